"""A volume that begins with what its image has there, though the agent is killed over filling it."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from seawall.host.volumes import Volumes

CONTENT = {"a": "1", "b": "2", "folder/c": "3"}
IMAGE = {"Volumes": {"/data": {}}}


class Killed(BaseException):
    """Nothing but the end of the process can be told from this."""


def image(root: Path) -> Path:
    for name, text in CONTENT.items():
        file = root / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (root / "data").chmod(0o750)
    return root


def fill(folder: Path, rootfs: Path) -> None:
    (folder / "v").mkdir(parents=True, exist_ok=True)
    asyncio.run(Volumes(folder, folder.parent / "place").fill({"/data": "v"}, IMAGE, rootfs))


def content(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(file.relative_to(folder)): file.read_text() for file in files}


@pytest.mark.parametrize(("place", "name"), [(shutil, "copyfile"), (Path, "rename"), (os, "chown")])
@pytest.mark.parametrize("survives", range(6))
def test_it_is_whole_after_all(
    place: Any, name: str, survives: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rootfs, folder = image(tmp_path / "rootfs"), tmp_path / "volumes"
    left = survives
    original = getattr(place, name)

    def dying(*args: Any, **options: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return original(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(place, name, dying)
        try:
            fill(folder, rootfs)
        except Killed:
            assert left == 0
    fill(folder, rootfs)
    assert content(folder) == {f"v/{name}": text for name, text in CONTENT.items()}
    assert (folder / "v").stat().st_mode & 0o7777 == 0o750
    assert [path.name for path in folder.iterdir()] == ["v"]


def test_what_a_container_wrote_stays(tmp_path: Path) -> None:
    rootfs, folder = image(tmp_path / "rootfs"), tmp_path / "volumes"
    fill(folder, rootfs)
    (folder / "v/a").write_text("written")
    (folder / "v/b").unlink()
    fill(folder, rootfs)
    assert content(folder) == {"v/a": "written", "v/folder/c": "3"}
