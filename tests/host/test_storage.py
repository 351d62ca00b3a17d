"""A task's use of its disk: what is counted, and when it is counted at all."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.host import storage
from seawall.host.storage import until_over, used_bytes

MIB = 1 << 20


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOOK_S", 0.001)
    monkeypatch.setattr(storage, "REST", 0)


def write(file: Path, size: int) -> None:
    with file.open("wb") as stream:
        stream.write(os.urandom(size))


def test_blocks_count_not_lengths_and_two_names_count_once(tmp_path: Path) -> None:
    empty = used_bytes([tmp_path])
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(100 * MIB)
    write(tmp_path / "one", MIB)
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    (tmp_path / "away").symlink_to("/usr")
    assert MIB <= used_bytes([tmp_path]) - empty < 2 * MIB
    assert MIB <= used_bytes([tmp_path / "one", tmp_path / "absent"]) < 2 * MIB


class Disk:
    """How much is free is set by the test; what is counted is noted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.free, self.counts = folder, 1000 * MIB, 0
        self.looked_at = asyncio.Event()
        monkeypatch.setattr(storage, "_free_bytes", self._free)

    def _free(self, place: Path) -> int:
        assert place == self.folder
        self.looked_at.set()
        return self.free

    def written(self) -> Iterator[Path]:
        self.counts += 1
        yield self.folder

    async def looked(self, times: int) -> None:
        for _ in range(times):
            self.looked_at.clear()
            await self.looked_at.wait()


def watching(disk: Disk, limit: int) -> "asyncio.Task[int]":
    return asyncio.create_task(until_over(limit, disk.folder, disk.written, list))


def test_it_is_counted_again_only_when_it_may_be_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path, monkeypatch)

    async def run() -> None:
        over = watching(disk, 10 * MIB)
        await disk.looked(5)
        assert disk.counts == 1
        write(tmp_path / "a", 6 * MIB)
        disk.free -= 6 * MIB
        await disk.looked(5)
        assert disk.counts == 1
        disk.free -= 6 * MIB
        write(tmp_path / "b", 6 * MIB)
        assert await over >= 12 * MIB
        assert disk.counts == 2

    asyncio.run(asyncio.wait_for(run(), 20))


def test_what_others_free_does_not_hide_it_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "AT_LEAST_S", 0.05)
    disk = Disk(tmp_path, monkeypatch)

    async def run() -> None:
        over = watching(disk, 10 * MIB)
        await disk.looked(1)
        write(tmp_path / "a", 12 * MIB)
        assert await over >= 12 * MIB

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_new_layer_is_counted_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(tmp_path / "own", monkeypatch)
    layer = tmp_path / "layer"
    disk.folder.mkdir()
    layer.mkdir()
    write(layer / "a", 12 * MIB)
    layers: list[Path] = []

    async def run() -> None:
        over = asyncio.create_task(until_over(10 * MIB, disk.folder, disk.written, lambda: layers))
        await disk.looked(3)
        layers.append(layer)
        assert await over >= 12 * MIB

    asyncio.run(asyncio.wait_for(run(), 20))
