"""An image layer's archive laid out as a folder that overlayfs takes as a lower directory.

Nothing in the archive is trusted: every name is walked from the layer's root without following a symbolic
link, so no entry can reach outside, however links and `..` are combined.  Whiteouts become what overlayfs
mounted with `userxattr` understands.
"""

import contextlib
import gzip
import io
import os
import shutil
import stat
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
OPAQUE_ATTRIBUTE = "user.overlay.opaque"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CAPABILITY = "security.capability"
_BROKEN = (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, OverflowError, ValueError)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class BadLayer(Exception):
    """The archive is broken, or an entry is not one an image may hold."""


def unpack_layer(archive: Path, target: Path, id_offset: int | None) -> None:
    """Lay out a tar archive (plain, gzip or zstd) in the empty folder `target`.

    `id_offset` is added to every owner; None changes no owner, for a process that may not.
    Raises BadLayer, OSError.
    """
    try:
        root = os.open(target, _FOLDER)
        try:
            with (
                _decompressed(archive) as plain,
                tarfile.open(fileobj=plain, mode="r|", bufsize=1 << 20) as tar,
            ):
                layer = _Layer(root, id_offset)
                for member in tar:
                    layer.add(tar, member)
                layer.close_folders()
        finally:
            os.close(root)
    except _BROKEN as error:
        raise BadLayer(f"{archive.name}: {error}") from error


@contextlib.contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    with archive.open("rb", buffering=0) as raw:  # zstd starts where the descriptor stands
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(_GZIP):
            with gzip.open(raw) as plain:
                yield cast(IO[bytes], plain)
        elif magic == _ZSTD:
            with subprocess.Popen(["zstd", "-dcq"], stdin=raw, stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                yield child.stdout
                child.stdout.read()  # what follows the archive's end mark, so that zstd ends well
            if child.returncode != 0:
                raise BadLayer(f"{archive.name}: zstd ended with status {child.returncode}")
        else:
            yield raw


class _Layer:
    """Entries put below one open folder."""

    def __init__(self, root: int, id_offset: int | None) -> None:
        self._root = root
        self._offset = id_offset
        # Set at the end: writing into a folder changes its time, and a mode may forbid writing.
        self._folders: dict[tuple[str, ...], tarfile.TarInfo] = {}

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        parts = _parts(member.name)
        if not parts:
            if member.isdir():
                self._folders[()] = member
            return
        with self._parent(parts[:-1]) as parent:
            name = parts[-1]
            if name.startswith(WHITEOUT):
                self._whiteout(parent, name)
            elif member.isdir():
                self._folder(parent, parts, member)
            else:
                self._file(tar, parent, parts, member)

    def close_folders(self) -> None:
        """Give folders their owner, mode and time, deepest first."""
        for parts in sorted(self._folders, key=len, reverse=True):
            with self._parent(parts) as folder:
                member = self._folders[parts]
                if self._offset is not None:
                    os.chown(folder, member.uid + self._offset, member.gid + self._offset)
                os.fchmod(folder, member.mode & 0o7777)
                os.utime(folder, (member.mtime, member.mtime))

    @contextlib.contextmanager
    def _parent(self, parts: tuple[str, ...]) -> Iterator[int]:
        """The folder of that name, made where it is missing.  A symbolic link on the way is refused."""
        folder = os.dup(self._root)
        try:
            for depth, name in enumerate(parts):
                try:
                    below = os.open(name, _FOLDER, dir_fd=folder)
                except FileNotFoundError:
                    os.mkdir(name, 0o755, dir_fd=folder)
                    below = os.open(name, _FOLDER, dir_fd=folder)
                    if self._offset is not None:
                        os.chown(below, self._offset, self._offset)
                except OSError as error:
                    raise BadLayer(f"{'/'.join(parts[: depth + 1])}: {error.strerror}") from None
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)

    def _whiteout(self, parent: int, name: str) -> None:
        if name == OPAQUE:
            os.setxattr(parent, OPAQUE_ATTRIBUTE, b"y")
            return
        hidden = name[len(WHITEOUT) :]
        if hidden in ("", ".", "..") or hidden.startswith(WHITEOUT):
            return  # aufs's own bookkeeping, e.g. .wh..wh.plnk
        if not _exists(parent, hidden):
            os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)

    def _folder(self, parent: int, parts: tuple[str, ...], member: tarfile.TarInfo) -> None:
        try:
            os.mkdir(parts[-1], 0o700, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(parts[-1], dir_fd=parent).st_mode):
                os.unlink(parts[-1], dir_fd=parent)
                os.mkdir(parts[-1], 0o700, dir_fd=parent)
        self._folders[parts] = member

    def _file(
        self, tar: tarfile.TarFile, parent: int, parts: tuple[str, ...], member: tarfile.TarInfo
    ) -> None:
        name = parts[-1]
        if member.ischr() or member.isblk():
            return  # a container's /dev is made at its start; a layer's devices would be refused there
        self._make_way(parent, parts)
        if member.isreg():
            self._regular(tar, parent, name, member)
        elif member.issym():
            os.symlink(member.linkname, name, dir_fd=parent)
        elif member.islnk():
            self._hard_link(parent, name, member)
            return  # owner, mode and time are those of the file it names
        elif member.isfifo():
            os.mkfifo(name, 0o600, dir_fd=parent)
        else:
            raise BadLayer(f"{member.name}: unknown kind of entry {member.type!r}")
        self._attributes(parent, name, member)

    def _make_way(self, parent: int, parts: tuple[str, ...]) -> None:
        """A later entry takes the place of an earlier one of the same name."""
        name = parts[-1]
        if not _exists(parent, name):
            return
        if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
            # By descriptor, as rmtree's own dir_fd is newer than Python 3.10.
            shutil.rmtree(f"/proc/self/fd/{parent}/{name}")
            for below in [known for known in self._folders if known[: len(parts)] == parts]:
                del self._folders[below]
        else:
            os.unlink(name, dir_fd=parent)

    def _regular(self, tar: tarfile.TarFile, parent: int, name: str, member: tarfile.TarInfo) -> None:
        source = tar.extractfile(member)
        if source is None:
            raise BadLayer(f"{member.name}: no content")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(name, flags, 0o600, dir_fd=parent), "wb", buffering=0) as made:
            shutil.copyfileobj(source, cast(io.RawIOBase, made), 1 << 18)

    def _hard_link(self, parent: int, name: str, member: tarfile.TarInfo) -> None:
        source = _parts(member.linkname)
        if not source:
            raise BadLayer(f"{member.name}: a hard link to nothing")
        with self._parent(source[:-1]) as folder:
            try:
                os.link(source[-1], name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False)
            except OSError as error:
                raise BadLayer(f"{member.name}: link to {member.linkname}: {error.strerror}") from None

    def _attributes(self, parent: int, name: str, member: tarfile.TarInfo) -> None:
        if self._offset is not None:
            os.chown(
                name,
                member.uid + self._offset,
                member.gid + self._offset,
                dir_fd=parent,
                follow_symlinks=False,
            )
        if not member.issym():  # after chown, which takes setuid away
            os.chmod(name, member.mode & 0o7777, dir_fd=parent)
        capability = member.pax_headers.get(f"SCHILY.xattr.{CAPABILITY}")
        if capability is not None and self._offset is not None:
            value = capability.encode("utf-8", "surrogateescape")
            os.setxattr(f"/proc/self/fd/{parent}/{name}", CAPABILITY, value, follow_symlinks=False)
        os.utime(name, (member.mtime, member.mtime), dir_fd=parent, follow_symlinks=False)


def _parts(name: str) -> tuple[str, ...]:
    """A name within the layer; absolute ones are taken from its root, `..` is refused."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise BadLayer(f"{name}: leads out of the layer")
    return parts


def _exists(parent: int, name: str) -> bool:
    try:
        os.lstat(name, dir_fd=parent)
    except FileNotFoundError:
        return False
    return True
