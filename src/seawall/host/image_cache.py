"""What is kept of images on disk: layers/HEX, configs/HEX.json, and a record of each whole image.

An image is usable as soon as it is unpacked.  Its record is written once the disk has all of it; what no
record names at the next start was being made when the machine or the agent died, and goes.  So does, once the
whole is larger than `limit_bytes`, what was not used for longest: never a layer that is mounted, nor an image
that was asked for within the last KEEP_S seconds.
"""

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.host.authority import AuthorityLayers
from seawall.host.image_manifest import Manifest, hex_digest
from seawall.host.kernel import sync_filesystem
from seawall.host.long_work import at_leisure
from seawall.host.mounts import mounted_layers

LIMIT_BYTES = 20 << 30
KEEP_S = 600.0  # longer than any container takes from its pull to its mount


class _Record(msgspec.Struct, frozen=True):
    """images/HEX.json.  Hexadecimal digests; `layers` with the bytes each takes on disk."""

    config: str
    layers: dict[str, int]


class ImageCache:
    """The folder of one host.  `scratch` is for what is in the making; it is emptied at start."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.scratch = folder / "tmp"
        self._layers, self._configs, self._records = (folder / n for n in ("layers", "configs", "images"))
        self._limit_bytes = limit_bytes
        self._whole: dict[str, Manifest] = {}  # by the manifest's digest, also those without a record yet
        self._fetching = 0
        self._recording: set[asyncio.Task[None]] = set()
        shutil.rmtree(self.scratch, ignore_errors=True)
        for made in (self.scratch, self._layers, self._configs, self._records):
            made.mkdir(parents=True, exist_ok=True)
        self._remove_unnamed(self._read_records(), mounted_layers())
        self.authorities = AuthorityLayers(self._layers, self.scratch)

    def layer(self, digest: str) -> Path:
        return self._layers / hex_digest(digest)

    def config(self, digest: str) -> Path:
        return self._configs / f"{hex_digest(digest)}.json"

    def has(self, digest: str, manifest: Manifest) -> bool:
        """Whether all of an image is here."""
        return (digest in self._whole or self._record(digest).exists()) and all(
            path.exists()
            for path in (
                self.config(manifest.config.digest),
                *(self.layer(x.digest) for x in manifest.layers),
            )
        )

    def used(self, digest: str) -> None:
        """Note that an image was asked for just now."""
        with contextlib.suppress(FileNotFoundError):  # its record is not written yet
            os.utime(self._record(digest))

    @contextlib.contextmanager
    def fetching(self) -> Iterator[None]:
        """Within it no layer is taken away, which a fetch may have found here."""
        self._fetching += 1
        try:
            yield
        finally:
            self._fetching -= 1

    def keep(self, digest: str, manifest: Manifest) -> None:
        """An image is whole now: record that soon, and make room when there is too much."""
        self._whole[digest] = manifest
        task = asyncio.create_task(self._keep(digest, manifest), name=f"record {digest}")
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)

    async def recorded(self) -> None:
        """Return when nothing is left to be recorded."""
        await asyncio.gather(*self._recording)

    async def _keep(self, digest: str, manifest: Manifest) -> None:
        await at_leisure(self._write_record, digest, manifest)
        for old in self._make_room():
            await at_leisure(shutil.rmtree, old)

    def _record(self, digest: str) -> Path:
        return self._records / f"{hex_digest(digest)}.json"

    def _write_record(self, digest: str, manifest: Manifest) -> None:
        layers = {hex_digest(x.digest): _size(self.layer(x.digest)) for x in manifest.layers}
        sync_filesystem(self._layers)
        draft = self.scratch / f"{hex_digest(digest)}.json"
        draft.write_bytes(msgspec.json.encode(_Record(hex_digest(manifest.config.digest), layers)))
        draft.replace(self._record(digest))

    def _read_records(self) -> dict[Path, _Record]:
        """Least recently used first.  What is no record goes."""
        found = {}
        for path in sorted(self._records.iterdir(), key=lambda path: path.stat().st_mtime):
            try:
                found[path] = msgspec.json.decode(path.read_bytes(), type=_Record)
            except msgspec.DecodeError:
                path.unlink()
        return found

    def _remove_unnamed(self, records: dict[Path, _Record], mounted: frozenset[str]) -> None:
        named = {layer for record in records.values() for layer in record.layers}
        for path in self._layers.iterdir():
            if path.name not in named | mounted:
                shutil.rmtree(path)
        configs = {record.config for record in records.values()}
        for path in self._configs.iterdir():
            if path.stem not in configs:
                path.unlink()

    def _make_room(self) -> list[Path]:
        """Forget what is too much; returns folders to remove.  At once, so that no launch sees half of it.

        Not while another image is on its way, which may count on layers that are here.
        """
        if self._fetching or len(self._recording) > 1:
            return []
        records = self._read_records()
        mounted = mounted_layers()
        sizes = {layer: size for record in records.values() for layer, size in record.layers.items()}
        total, removed = sum(sizes.values()), []
        for path, record in list(records.items()):
            if total <= self._limit_bytes:
                break
            if path.stat().st_mtime > time.time() - KEEP_S or not mounted.isdisjoint(record.layers):
                continue
            path.unlink()
            del records[path]
            self._whole.pop(f"sha256:{path.stem}", None)
            for layer in record.layers.keys() - {x for other in records.values() for x in other.layers}:
                total -= sizes[layer]
                gone = self.scratch / f"gone-{layer}"
                (self._layers / layer).rename(gone)
                removed.append(gone)
            if record.config not in {other.config for other in records.values()}:
                (self._configs / f"{record.config}.json").unlink()
        return removed


def _size(folder: Path) -> int:
    """Bytes on disk of a folder with all that is in it; a file of several names counts for each."""
    total = 0
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            total += Path(path, name).lstat().st_blocks * 512
    return total
