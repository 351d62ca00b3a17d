"""What goes through one node, gathered every few seconds and passed on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from seawall.host.balancer.console import ConsoleError
from seawall.host.balancer.counters import Counts, Meter, Sample, read_sample, summed
from seawall.host.balancer.engine import Engine
from seawall.host.balancer.log_tap import LogTap
from seawall.program.report import BalancerTraffic

EVERY_S = 2.0
MOST_LINES = 2000  # in one message


class Ear(NamedTuple):
    """Who is told.  Where nobody is `there`, traffic waits."""

    there: Callable[[], bool]
    carry: Callable[[BalancerTraffic], None]


class Traffic:
    """`connections` is how many each server has, as of the last look; `changed` is called when it changed."""

    def __init__(
        self, id: str, engine: Engine, tap: LogTap, file: Path, ear: Ear, changed: Callable[[], None]
    ) -> None:
        self._id = id
        self._engine = engine
        self._tap = tap
        self._file = file
        self._ear = ear
        self._changed = changed
        self._meter = Meter(_load(file))
        self.connections: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()
            self.pass_on()

    async def look(self) -> None:
        """Read the counters of all workers; one that is just ending has none any more."""
        samples: dict[int, Sample] = {}
        for worker in self._engine.workers:
            try:
                samples[worker] = read_sample(await self._engine.console.ask(worker, "show stat -1 7 -1"))
            except (ConsoleError, ValueError):
                continue
        self._meter.note({worker: sample.counts for worker, sample in samples.items()})
        connections = summed(samples.values())
        if connections != self.connections:
            self.connections = connections
            self._changed()

    def pass_on(self) -> None:
        """What nobody was told yet, unless nobody is there."""
        if not self._ear.there():
            return
        counters = self._meter.take(self._engine.workers)
        lines, dropped = self._tap.take()
        if dropped:
            counters += (("log", "", "dropped", dropped),)
        if counters:
            self._save()
        for first in range(0, max(len(lines), 1), MOST_LINES):
            part = BalancerTraffic(
                id=self._id, lines=lines[first : first + MOST_LINES], counters=counters if first == 0 else ()
            )
            if part.lines or part.counters:
                self._ear.carry(part)

    def _save(self) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_bytes(msgspec.msgpack.encode(self._meter.told))
        draft.replace(self._file)


def _load(file: Path) -> dict[int, Counts]:
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=dict[int, Counts])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
