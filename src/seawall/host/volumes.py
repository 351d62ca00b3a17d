"""A task's volumes: folders that are empty at first and that its containers share.

Source: ECS developer guide, "Bind mounts": owned by root with mode 0755, unless a container's image declares
a volume at the path; then what the image has there, with its owners and modes, is where the volume begins.
"""

import asyncio
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from posixpath import normpath
from typing import Any

from seawall.host.kernel import MS_BIND, mount
from seawall.host.long_work import at_leisure
from seawall.host.mounts import unmount

_DRAFT, _FILLED = "+draft-", "+filled-"  # before a volume's name, which has no plus


class Volumes:
    """`folder` holds them on disk; at `place`, which containers' own ids can walk to, they are bound."""

    def __init__(self, folder: Path, place: Path) -> None:
        self._folder = folder
        self._place = place
        self._filling = asyncio.Lock()

    def make(self, names: Iterable[str], owner: int) -> None:
        """`owner`: root's number in the containers, as the world sees it.  Again is no error."""
        wanted = [self._folder / name for name in names]
        for path in wanted:
            path.mkdir(parents=True, exist_ok=True)
            if not any(path.iterdir()):
                os.chown(path, owner, owner)
                path.chmod(0o755)
        if wanted and not os.path.ismount(self._place):
            self._place.mkdir(parents=True, exist_ok=True)
            mount(str(self._folder), self._place, None, MS_BIND)

    def path(self, name: str) -> Path:
        return self._place / name

    async def fill(self, mounts: Mapping[str, str], image: Mapping[str, Any], rootfs: Path) -> None:
        """Begin volumes that nothing was written to with what the image declares as a volume there.

        mounts   path in the container -> volume
        image    the `config` member of the image's configuration
        Raises OSError.
        """
        declared = {normpath(path) for path in image.get("Volumes") or ()}
        async with self._filling:
            for path, name in mounts.items():
                source = rootfs / normpath(path).lstrip("/")
                if normpath(path) in declared and _is_folder_within(source, rootfs):
                    await at_leisure(_fill_if_empty, source, self._folder, name)


def remove_volumes(place: Path) -> None:
    """Let go of a task's volumes; the folders on disk are removed with the task's."""
    unmount(place)
    if place.is_dir():
        place.rmdir()


def _is_folder_within(path: Path, rootfs: Path) -> bool:
    """A link in an image must not lead out of it."""
    return path.is_dir() and path.resolve().is_relative_to(rootfs.resolve())


def _fill_if_empty(source: Path, folder: Path, name: str) -> None:
    """First beside it: what an agent that was killed has half copied is not taken for the whole."""
    target, draft, filled = folder / name, folder / f"{_DRAFT}{name}", folder / f"{_FILLED}{name}"
    shutil.rmtree(draft, ignore_errors=True)
    if not filled.is_dir():
        if any(target.iterdir()):
            return
        draft.mkdir()
        _copy(source, draft)
        draft.rename(filled)
    for entry in list(filled.iterdir()):
        entry.rename(target / entry.name)
    _like(source, target)
    filled.rmdir()


def _copy(source: Path, target: Path) -> None:
    for folder, names, files in os.walk(source):
        here = target / os.path.relpath(folder, source)
        for name in [*names, *files]:
            old, new = Path(folder, name), here / name
            if old.is_symlink():
                new.symlink_to(old.readlink())
            elif old.is_dir():
                new.mkdir()
            elif old.is_file():
                shutil.copyfile(old, new)
            else:
                continue
            _like(old, new)


def _like(old: Path, new: Path) -> None:
    found = old.lstat()
    os.chown(new, found.st_uid, found.st_gid, follow_symlinks=False)
    if not old.is_symlink():
        new.chmod(found.st_mode & 0o7777)
