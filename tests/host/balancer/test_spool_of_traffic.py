"""Lines and counters on their way: whenever an agent is killed, each is heard once.

A kill is an exception out of nowhere, at any call by which Python reaches the file system; what is torn in
the middle of a call is made by hand.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.host.balancer import spool as module
from seawall.host.balancer.counters import FIELDS
from seawall.host.balancer.engine import Engine
from seawall.host.balancer.spool import Spool
from seawall.host.balancer.traffic import Ear, Traffic
from seawall.program.report import BalancerTraffic

REACHING = frozenset(("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir"))
PART_BYTES, MOST_BYTES = 40, 400


class Killed(BaseException):
    """Nothing in between catches it."""


class _Fate:
    left: int | None = None  # calls that will still be done


def _hook(event: str, _: tuple[object, ...]) -> None:
    if _Fate.left is None or event not in REACHING:
        return
    if _Fate.left == 0:
        _Fate.left = None
        raise Killed
    _Fate.left -= 1


sys.addaudithook(_hook)


@contextmanager
def killed_after(calls: int | None) -> Iterator[None]:
    _Fate.left = calls
    try:
        yield
    finally:
        _Fate.left = None


@pytest.fixture(autouse=True)
def small_parts() -> Iterator[None]:
    with patch.multiple(module, PART_BYTES=PART_BYTES, MOST_BYTES=MOST_BYTES):
        yield


class Engines:
    """Stands for the engine: one worker, which has counted so many requests."""

    workers = (7,)

    def __init__(self) -> None:
        self.counted = 0
        self.console = self

    async def ask(self, worker: int, words: str) -> str:
        names = ["pxname", "svname", "scur", "type", *FIELDS]
        numbers = [str(self.counted) if name == "req_tot" else "0" for name in FIELDS]
        return f"# {','.join(names)}\n{','.join(['http', 'FRONTEND', '0', '0', *numbers])}\n"


class World:
    """What stays when agents die, and a control plane that stays too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "traffic"
        self.engine = Engines()
        self.newest = 0
        self.heard: list[str] = []
        self.counted = 0
        self.dropped = 0
        self.fault = ""  # of the control plane or the way to it, at the next word
        self.agent: tuple[Spool, Traffic] | None = None

    def begin(self) -> tuple[Spool, Traffic]:
        if self.agent is None:
            spool = Spool(self.folder)
            ear = Ear(lambda: True, self.carry)
            engine = cast(Engine, self.engine)
            self.agent = spool, Traffic("eni-a", engine, spool, ear, lambda: None)
        return self.agent

    async def carry(self, traffic: BalancerTraffic) -> bool:
        fault, self.fault = self.fault, ""
        if fault == "killed before":
            raise Killed
        if fault == "away":
            return False
        self.hear(traffic)
        if fault == "killed after":
            raise Killed
        return fault != "lost sight"

    def hear(self, traffic: BalancerTraffic) -> None:
        if traffic.number > self.newest:
            self.newest = traffic.number
            self.heard += traffic.lines
            self.counted += sum(by for *what, by in traffic.counters if what[0] == "http")
            self.dropped += sum(by for *what, by in traffic.counters if what[0] == "log")

    def do(self, work: Any, calls: int | None = None) -> bool:
        """Let an agent do this; False if it was killed over it."""
        try:
            with killed_after(calls):
                work(*self.begin())
        except Killed:
            self.agent = None
            return False
        return True


def look_and_pass_on(_: Spool, traffic: Traffic) -> None:
    async def both() -> None:
        await traffic.look()
        await traffic.pass_on()

    coroutine = both()  # nothing in it waits for anything
    with pytest.raises(StopIteration):
        coroutine.send(None)


CALLS = st.none() | st.integers(0, 14)
FAULTS = st.sampled_from(("", "killed before", "killed after", "away", "lost sight"))
STEPS = st.one_of(
    st.tuples(st.just("lines"), st.integers(1, 6), CALLS),
    st.tuples(st.just("requests"), st.integers(1, 3), CALLS),
    st.tuples(st.just("tell"), FAULTS, CALLS),
)


@given(st.lists(STEPS, max_size=25))
def test_each_line_and_request_is_heard_once_whenever_agents_are_killed(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        sent: list[str] = []
        unsure: set[str] = set()  # the agent was killed while it wrote them down
        for what, how, calls in steps:
            if what == "lines":
                batch = [f"line {len(sent) + n}" for n in range(how)]
                sent += batch
                if not world.do(lambda spool, _, b=batch: spool.add([line.encode() for line in b]), calls):
                    unsure |= set(batch)
            elif what == "requests":
                world.engine.counted += how
            else:
                world.fault = how
                world.do(look_and_pass_on, calls)
        world.fault = ""
        assert world.do(look_and_pass_on)
        missing = set(sent) - set(world.heard)
        if not world.dropped:
            assert missing <= unsure
        assert len(missing - unsure) <= world.dropped
        assert len(set(world.heard)) == len(world.heard)
        assert world.heard == sorted(world.heard, key=sent.index)
        assert world.counted == world.engine.counted


def told(spool: Spool) -> list[tuple[str, ...]]:
    found = []
    for number in spool.waiting():
        found.append(spool.read(number).lines)
        spool.remove(number)
    return found


def test_parts_are_small_and_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "traffic")
    for n in range(20):
        spool.add([b"line %d" % n])
    spool.close_part({}, ())
    parts = told(spool)
    assert len(parts) == 4
    assert sum(parts, ()) == tuple(f"line {n}" for n in range(20))


def test_what_there_is_no_room_for_is_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "traffic")
    spool.add([b"123456789"] * 30)
    spool.add([b"123456789"] * 15)
    spool.close_part({}, ())
    assert [spool.read(number).growth for number in spool.waiting()][-1] == (("log", "", "dropped", 5),)
    assert sum(map(len, told(spool))) == 40
    spool.add([b"123456789"])
    spool.close_part({}, ())
    assert told(spool) == [("123456789",)]


def test_the_next_agent_knows_how_much_waits(tmp_path: Path) -> None:
    Spool(tmp_path / "traffic").add([b"123456789"] * 39)
    spool = Spool(tmp_path / "traffic")
    spool.add([b"123456789"] * 2)
    assert sum(map(len, told(spool))) == 39
    spool.close_part({}, ())
    assert told(spool) == [("123456789",), ()]


def test_a_line_that_was_torn_is_none(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "traffic")
    spool.add([b"whole"])
    (written,) = (tmp_path / "traffic").glob("*.lines")
    with written.open("ab") as file:
        file.write(b"torn")
    spool = Spool(tmp_path / "traffic")
    spool.add([b"the next"])
    spool.close_part({}, ())
    assert told(spool) == [("whole",), ("the next",)]


def test_numbers_grow_though_everything_was_told(tmp_path: Path) -> None:
    numbers = []
    with patch.object(module.time, "time_ns", side_effect=[1000]):  # the clock is asked once
        for _ in range(3):
            spool = Spool(tmp_path / "traffic")
            spool.add([b"line"])
            spool.close_part({}, ())
            numbers += spool.waiting()
            told(spool)
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3


def test_nothing_is_made_where_nothing_goes_through(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "traffic")
    before = [path.name for path in (tmp_path / "traffic").iterdir()]
    for _ in range(3):
        spool.close_part({}, ())
    assert spool.waiting() == []
    assert [path.name for path in (tmp_path / "traffic").iterdir()] == before


def test_a_control_plane_that_is_away_is_told_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    there = False
    spool = Spool(world.folder)
    traffic = Traffic(
        "eni-a", cast(Engine, world.engine), spool, Ear(lambda: there, world.carry), lambda: None
    )
    world.engine.counted = 3
    spool.add([b"line"])
    asyncio.run(traffic.look())
    asyncio.run(traffic.pass_on())
    assert (world.heard, world.counted) == ([], 0)
    there = True
    asyncio.run(traffic.pass_on())
    assert (world.heard, world.counted) == (["line"], 3)
