"""Whiteouts as the kernel's overlayfs reads them, in a world."""

import tarfile
from pathlib import Path

import pytest
from tests.host.test_layer import archive, entry

from seawall.host.layer import unpack_layer
from seawall.host.mounts import mount_overlay, unmount

pytestmark = pytest.mark.world


def test_upper_layers_hide_what_they_remove(tmp_path: Path) -> None:
    entries = (
        (
            (entry("d", tarfile.DIRTYPE, mode=0o755), b""),
            (entry("d/gone"), b"1"),
            (entry("d/kept"), b"1"),
            (entry("opaque/old"), b"1"),
        ),
        ((entry("d/.wh.gone"), b""), (entry("opaque/.wh..wh..opq"), b""), (entry("opaque/new"), b"2")),
    )
    layers = []
    for number, content in enumerate(entries):
        layers.append(tmp_path / f"layer-{number}")
        layers[-1].mkdir()
        unpack_layer(archive(tmp_path / f"{number}.tar", *content), layers[-1], 1)
    upper, work, root = (tmp_path / name for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        folder.mkdir()
    mount_overlay(tuple(layers), upper, work, root)
    try:
        assert [path.name for path in (root / "d").iterdir()] == ["kept"]
        assert [path.name for path in (root / "opaque").iterdir()] == ["new"]
    finally:
        unmount(root)
