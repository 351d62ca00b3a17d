"""What goes through one node, gathered every few seconds and passed on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from seawall.host.balancer.console import ConsoleError
from seawall.host.balancer.counters import Meter, Sample, read_sample, summed
from seawall.host.balancer.engine import Engine
from seawall.host.balancer.spool import Spool
from seawall.program.report import BalancerTraffic

EVERY_S = 2.0


class Ear(NamedTuple):
    """Who is told.  Where nobody is `there`, traffic waits.

    carry   returns whether all of it has gone
    """

    there: Callable[[], bool]
    carry: Callable[[BalancerTraffic], Awaitable[bool]]


class Traffic:
    """`connections` is how many each server has, as of the last look; `changed` is called when it changed."""

    def __init__(self, id: str, engine: Engine, spool: Spool, ear: Ear, changed: Callable[[], None]) -> None:
        self._id = id
        self._engine = engine
        self._spool = spool
        self._ear = ear
        self._changed = changed
        self._meter = Meter(spool.counted)
        self.connections: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()
            await self.pass_on()

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

    async def pass_on(self) -> None:
        """What nobody was told yet, unless nobody is there."""
        if not self._ear.there():
            return
        growth = self._meter.take(self._engine.workers)
        self._spool.close_part(self._meter.told, growth)
        for number in self._spool.waiting():
            part = self._spool.read(number)
            if part.lines or part.growth:
                told = BalancerTraffic(id=self._id, number=number, lines=part.lines, counters=part.growth)
                if not await self._ear.carry(told):
                    return
            self._spool.remove(number)
