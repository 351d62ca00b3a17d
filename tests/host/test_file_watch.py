"""Writes to files, told by the kernel."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.host.file_watch import FileWatch


@pytest.fixture
def watch() -> Iterator[FileWatch]:
    made = FileWatch()
    yield made
    made.close()


def test_a_write_is_told_to_whom_it_concerns(tmp_path: Path, watch: FileWatch) -> None:
    one, other = tmp_path / "one", tmp_path / "other"

    async def run() -> None:
        told, not_told = asyncio.Event(), asyncio.Event()
        for path, event in ((one, told), (other, not_told)):
            path.touch()
            watch.watch(path, event.set)
        with one.open("a") as file:
            file.write("line\n")
        await asyncio.wait_for(told.wait(), 10)
        assert not not_told.is_set()

    asyncio.run(run())


def test_who_has_ended_is_told_nothing(tmp_path: Path, watch: FileWatch) -> None:
    one, other = tmp_path / "one", tmp_path / "other"

    async def run() -> None:
        ended, told = asyncio.Event(), asyncio.Event()
        for path in (one, other):
            path.touch()
        end = watch.watch(one, ended.set)
        watch.watch(other, told.set)
        end()
        end()  # twice is once
        one.write_text("line\n")
        other.write_text("line\n")
        await asyncio.wait_for(told.wait(), 10)
        assert not ended.is_set()

    asyncio.run(run())


def test_who_asks_is_told_of_the_end_of_a_file(tmp_path: Path, watch: FileWatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "one").touch()

    async def run() -> None:
        written, gone = asyncio.Event(), asyncio.Event()
        watch.watch(folder / "one", written.set, gone.set)
        shutil.rmtree(folder)
        await asyncio.wait_for(gone.wait(), 10)
        assert not written.is_set()

    asyncio.run(run())


def test_a_file_that_is_not_there(tmp_path: Path, watch: FileWatch) -> None:
    with pytest.raises(FileNotFoundError):
        watch.watch(tmp_path / "absent", lambda: None)
