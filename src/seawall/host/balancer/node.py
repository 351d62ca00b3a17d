"""One node: its engine, its checks, and what is told of them."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable

from seawall.host.balancer.console import ConsoleError
from seawall.host.balancer.engine import Engine
from seawall.host.balancer.health import Standing, standing_of, used_targets, weight_of
from seawall.host.balancer.kept_up import kept_up
from seawall.host.balancer.log_tap import LogTap
from seawall.host.balancer.places import Places, engine_id
from seawall.host.balancer.prober import Prober
from seawall.host.balancer.process import EngineProcess
from seawall.host.balancer.servers import FULL_WEIGHT, Key, Server, server_of
from seawall.host.balancer.spool import Spool
from seawall.host.balancer.traffic import Ear, Traffic
from seawall.host.held_sockets import HeldSockets
from seawall.host.namespaces import Namespaces
from seawall.program.balancer import BalancerProgram, Pool, PoolTarget
from seawall.program.report import BalancerReport, TargetReport

log = logging.getLogger("seawall.balancer")

RETRY_S = 1.0  # after something did not work
LINGER_S = 0.25  # between looks at a server that still has connections
COALESCED_S = 0.005  # changes within it are one
SLOW_START_STEPS = 20
MOST_OUTPUT = 1 << 20  # bytes of the engine's own words; it says one for each change of a server


class Node:
    """`tell` is given every new report.

    ear       is given what went through
    adopted   engine processes of before, as `find_engines` says
    """

    def __init__(
        self,
        program: BalancerProgram,
        namespaces: Namespaces,
        places: Places,
        tell: Callable[[BalancerReport], None],
        ear: Ear,
        held: HeldSockets,
        adopted: dict[str, list[int]],
    ) -> None:
        self.namespace = program.namespace
        self._program = program
        self._revision = 0  # of the host program that brought it
        self._tell = tell
        self._places = places
        id = engine_id()
        places.make(id)
        self._process = EngineProcess(namespaces, program.namespace, places, id)
        self._process.adopt(adopted)
        self._engine = Engine(self._process, places, os.cpu_count() or 1, self._look)
        self._prober = Prober(
            places.memory / "health.msgpack",
            lambda family: namespaces.socket_in(program.namespace, family, proto=socket.IPPROTO_TCP),
            self._wake,
        )
        spool = Spool(places.memory / "traffic")
        self._tap = LogTap(places.log_socket, id, spool, held)
        self._traffic = Traffic(program.id, self._engine, spool, ear, self._wake)
        self._measuring: asyncio.Task[None] | None = None
        self._problem = ""
        self._in_force = 0
        self._settled = program
        self._standings: dict[str, dict[str, Standing]] = {}
        self._servers: dict[Key, Server] = {}
        self._woken = asyncio.Event()
        self.report = BalancerReport(id=program.id, running=False)
        self._watching: asyncio.Task[None] | None = None
        self._working = asyncio.create_task(kept_up("node", self._work))

    def follow(self, program: BalancerProgram, revision: int) -> None:
        """`revision`: of the host program this is a part of."""
        if self._revision and program == self._program:
            return
        self._program, self._revision = program, revision
        self._prober.follow(program.pools)
        self._wake()

    async def close(self) -> None:
        """Let go; the engine runs on and the next agent finds it."""
        tasks = [task for task in (self._working, self._watching, self._measuring) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._tap.close()
        await self._prober.close()

    async def remove(self) -> None:
        """End the engine and leave nothing."""
        await self.close()
        await self._process.end()
        self._places.remove()

    async def _look(self) -> None:
        await self._traffic.look()

    def _wake(self) -> None:
        self._woken.set()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        self._wake()
        while True:
            await self._woken.wait()
            self._woken.clear()
            again = await self._settle()
            self._say()
            if again is not None:
                loop.call_later(again, self._wake)
            await asyncio.sleep(COALESCED_S)

    async def _settle(self) -> float | None:
        """Returns in how many seconds there is something to do again."""
        program, revision, now = self._program, self._revision, time.time()
        # What is said must be what the servers were made of, whatever checks find out meanwhile.
        self._standings = {name: dict(known) for name, known in self._prober.standings.items()}
        self._settled, self._servers = program, self._wanted(program, now)
        if not program.configuration:
            await self._process.end()
            self._problem, self._in_force = "", revision
            return None
        try:
            if self._process.alive and not self._process.in_its_namespace:
                await self._process.end()
            self._tap.open()
            settled = await self._engine.settle(program, self._servers)
        except (ConsoleError, OSError) as error:
            self._engine.forget()
            self._problem = str(error)
            return RETRY_S
        self._problem = self._engine.problem
        self._process.hush(MOST_OUTPUT)
        self._watch()
        if not self._problem and all(self._engine.has(*server) for server in self._servers.items()):
            self._in_force = revision
        if self._problem:
            return RETRY_S
        if not settled:
            return LINGER_S
        if any(server.weight != FULL_WEIGHT for server in self._servers.values()):
            return min(pool.slow_start_s for pool in program.pools if pool.slow_start_s) / SLOW_START_STEPS
        return self._engine.calm_in

    def _wanted(self, program: BalancerProgram, now: float) -> dict[Key, Server]:
        servers = {}
        for pool in program.pools:
            if not pool.engine:
                continue
            known = self._standings.get(pool.name, {})
            used = used_targets(pool, known)
            for target in pool.targets:
                weight = weight_of(pool, target, standing_of(pool, known, target.id), now, FULL_WEIGHT)
                server = server_of(target, pool.server_options, weight, target.id in used)
                servers[pool.name, _name(target)] = server
        return servers

    def _watch(self) -> None:
        """Notice when the engine ends, and what goes through it."""
        if self._measuring is None:
            self._measuring = asyncio.create_task(kept_up("traffic", self._traffic.run))
        if self._process.alive and (self._watching is None or self._watching.done()):
            self._watching = asyncio.create_task(self._notice_end())

    async def _notice_end(self) -> None:
        await self._process.ended()
        log.warning("balancer.ended", extra={"balancer": self._program.id})
        self._wake()

    def _say(self) -> None:
        program = self._settled
        in_force = not program.configuration or (self._engine.running and not self._problem)
        report = BalancerReport(
            id=program.id,
            running=in_force,
            revision=self._in_force,
            problem=self._problem,
            targets=tuple(
                self._target_report(pool, target) for pool in program.pools for target in pool.targets
            ),
        )
        draining = frozenset((p.name, t.id) for p in program.pools for t in p.targets if not t.serving)
        if _essence(report, draining) != _essence(self.report, draining):
            self.report = report
            self._tell(report)
        else:
            self.report = report

    def _target_report(self, pool: Pool, target: PoolTarget) -> TargetReport:
        standing = standing_of(pool, self._standings.get(pool.name, {}), target.id)
        key = (pool.name, _name(target))
        checked = pool.engine and bool(self._settled.configuration)
        failing = standing.state != "healthy"
        return TargetReport(
            pool=pool.name,
            target=target.id,
            state=standing.state,
            cause=standing.last.cause if failing else "",
            code=standing.last.code if failing else None,
            text=standing.last.text if failing else "",
            checked_at=standing.checked_at,
            connections=self._traffic.connections.get(key, 0),
            in_force=not checked or (key in self._servers and self._engine.has(key, self._servers[key])),
        )


def _name(target: PoolTarget) -> str:
    return target.server or target.id


def _essence(report: BalancerReport, draining: frozenset[tuple[str, str]]) -> object:
    """What is news; the time of the last check alone is none, nor are connections where more may come."""
    return (
        report.running,
        report.revision,
        report.problem,
        [(t.pool, t.target, t.state, t.cause, t.code, t.in_force) for t in report.targets],
        [t.connections for t in report.targets if (t.pool, t.target) in draining],
    )
