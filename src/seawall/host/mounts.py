"""Overlay mounts in the world: an image's layers below, a container's own changes on top."""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

MNT_DETACH = 2
PAGE = 4096

_libc = ctypes.CDLL(None, use_errno=True)


def mount_overlay(layers: Sequence[Path], upper: Path, work: Path, target: Path) -> None:
    """Mount `layers` (lowest first) under `upper` at `target`, unless that is a mount already.

    In a user namespace overlayfs keeps its attributes as user.overlay.* (`userxattr`).  Raises OSError.
    """
    if os.path.ismount(target):
        return
    # The options of mount(2) fit one page; short names relative to a common folder keep long stacks below it.
    common = Path(os.path.commonpath(layers)) if len(layers) > 1 else layers[0].parent
    lower = ":".join(str(layer.relative_to(common)) for layer in reversed(layers))
    options = f"lowerdir={lower},upperdir={upper},workdir={work},userxattr"
    if len(options) >= PAGE:
        raise OSError(7, f"the image has too many layers ({len(layers)})", str(target))
    here = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        os.chdir(common)
        _mount(options, target)
    finally:
        os.fchdir(here)
        os.close(here)


def unmount(target: Path) -> None:
    """Unmount, whatever is mounted how often at `target`; nothing there is no error."""
    while os.path.ismount(target):
        if _libc.umount2(bytes(target), MNT_DETACH) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(target))


def mounted_layers() -> frozenset[str]:
    """The folders of layers below the overlays that are mounted in this world, by name."""
    found: set[str] = set()
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        _, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if kind == "overlay":
            for option in options.split(","):
                name, _, value = option.partition("=")
                if name == "lowerdir":
                    found.update(Path(lower).name for lower in value.split(":"))
    return frozenset(found)


def _mount(options: str, target: Path) -> None:
    if _libc.mount(b"overlay", bytes(target), b"overlay", 0, options.encode()) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"overlay at {target}")
