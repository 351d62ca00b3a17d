"""The files of an image that have Seawall's authority in them, made once for all its containers.

The first container of an image gets them in its own layer; a copy of what it then has becomes a layer that
the next ones are mounted over.  That takes the searching and writing, some ms, out of a launch.
"""

import logging
import os
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from seawall.host.mounts import mounted_layers
from seawall.host.trust import Trust

MOST = 64  # layers kept, each of some 250 kB
MOST_BELOW = 40  # layers of an image: with many, there is no room for one more in the options of a mount
PREFIX = "authority-"

log = logging.getLogger("seawall.authority")


class AuthorityLayer(NamedTuple):
    """A layer for the top of an image's own, and what it makes containers trust."""

    layer: Path
    trust: Trust


class AuthorityLayers:
    """Beside the layers of images in `folder`; `scratch`, on the same disk, is emptied at start.

    Those of an agent before this one are under other names, and go once they are not mounted any more.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._folder, self._scratch = folder, scratch
        self._mark = os.urandom(4).hex()
        self._made = 0
        self._known: OrderedDict[str, AuthorityLayer] = OrderedDict()

    def of(self, layers: Sequence[Path], certificate: bytes) -> AuthorityLayer | None:
        """What an image with these layers needs; None when it must be found out."""
        key = _key(layers, certificate)
        found = self._known.get(key)
        if found is None or not found.layer.exists():
            return None
        self._known.move_to_end(key)
        return found

    def keep(self, layers: Sequence[Path], certificate: bytes, upper: Path, trust: Trust) -> None:
        """Take over what `upper` has: all of it is what the authority took."""
        if len(layers) > MOST_BELOW:
            return
        self._made += 1
        name = f"{PREFIX}{self._mark}-{self._made}"
        draft = self._scratch / name
        try:
            _copy(upper, draft)
            draft.rename(self._folder / name)
        except OSError as error:  # whose container has its own: the next is made like it
            log.warning("authority.not_kept", extra={"text": str(error)})
            shutil.rmtree(draft, ignore_errors=True)
            return
        self._known[_key(layers, certificate)] = AuthorityLayer(self._folder / name, trust)
        if len(self._known) > MOST:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, oldest = self._known.popitem(last=False)
        if oldest.layer.name not in mounted_layers():  # else it goes when the agent begins anew
            shutil.rmtree(oldest.layer)


def _key(layers: Sequence[Path], certificate: bytes) -> str:
    return sha256(b"\0".join((certificate, *(bytes(layer) for layer in layers)))).hexdigest()


def _copy(source: Path, target: Path) -> None:
    """Files and folders as they are, but for marks of overlayfs, which are of its mount.  Raises OSError."""
    target.mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            copy = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                _copy(Path(entry.path), copy)
            elif entry.is_file(follow_symlinks=False):
                shutil.copyfile(entry.path, copy)
                _own(entry.stat(), copy)
            else:
                raise OSError(0, f"{entry.path} is neither file nor folder")
    _own(source.stat(), target)


def _own(made: os.stat_result, copy: Path) -> None:
    os.chown(copy, made.st_uid, made.st_gid)
    copy.chmod(made.st_mode & 0o7777)
    os.utime(copy, ns=(made.st_atime_ns, made.st_mtime_ns))
