"""What a launch tells of its parts, and how far an image has come."""

import asyncio
from pathlib import Path

import pytest

from seawall.host import phases as module
from seawall.host.phases import Phases
from seawall.host.pull_progress import PullProgress


def test_a_part_is_over_also_when_it_fails() -> None:
    async def body() -> None:
        told: list[None] = []
        found = Phases(lambda: told.append(None))
        with pytest.raises(OSError), found.during("image"):
            with found.during("create"):
                pass
            raise OSError
        assert [phase.name for phase in found.all] == ["image", "create"]
        assert all(phase.ended is not None and phase.ended >= phase.began for phase in found.all)
        assert told == []  # it was over at once

    asyncio.run(body())


def test_what_lasts_is_told_with_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_AFTER_S", 0.0)
    monkeypatch.setattr(module, "TELL_AGAIN_S", 0.0)

    async def body() -> None:
        texts = ["1 of 2", "1 of 2", "2 of 2"]
        seen: list[str] = []
        both = asyncio.Event()

        def tell() -> None:
            seen.append(found.all[0].text)
            if len(seen) == 2:
                both.set()

        found = Phases(tell)
        with found.during("image", lambda: texts.pop(0) if len(texts) > 1 else texts[0]):
            await asyncio.wait_for(both.wait(), 5)
            assert found.all[0].ended is None
        assert seen == ["1 of 2", "2 of 2"]  # the same words are not told twice
        assert found.all[0].ended is not None

    asyncio.run(body())


def test_a_launch_that_begins_anew_forgets_the_one_before() -> None:
    async def body() -> None:
        found = Phases(lambda: None)
        with found.during("image"):
            found.begin_anew()
        assert found.all == ()

    asyncio.run(body())


def test_the_bytes_on_the_disk_are_what_has_come(tmp_path: Path) -> None:
    progress = PullProgress()
    assert progress.text == ""
    progress.fetching(tmp_path, 2, 4_000_000)
    (tmp_path / "one").write_bytes(bytes(1_000_000))
    assert progress.text == "1.0 of 4.0 MB, 0 of 2 layers unpacked"
    progress.unpacked()
    assert progress.text.endswith("1 of 2 layers unpacked")
