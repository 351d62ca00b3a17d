"""One node's engine: kept running with the configuration and the servers of its program.

What `settle` is told last is what it works for.  Servers change through the console of every worker, those
that only finish their connections included: a request on a connection they still have goes to no target
that is not to get any more.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from seawall.host.balancer.configuration import MOST_OLD_WORKERS, digest, servers_in, whole
from seawall.host.balancer.console import Console, ConsoleError, Workers
from seawall.host.balancer.places import Places
from seawall.host.balancer.process import MOST_THREADS, EngineProcess
from seawall.host.balancer.servers import Key, Seen, Server, commands, read_servers
from seawall.program.balancer import BalancerProgram

log = logging.getLogger("seawall.balancer")

LOAD_S = 15.0  # for a configuration to be loaded
LOAD_AGAIN_S = 2.0  # after it could not be, for a reason that may pass, such as a port that is taken
START_AGAIN_S = 1.0  # between two starts
CALM_S = 3.0  # that servers which are better loaded than told stay the same before they are loaded
_POLL_S = 0.005
_PATIENCE = ("Server still has connections attached to it, cannot remove it.",)


class _Refusal(NamedTuple):
    """Why a configuration is not in force.  `again`: when it may be tried once more, on the loop's clock."""

    mark: str = ""
    words: str = ""
    again: float = 0.0


class Engine:
    """`problem` is why the program's configuration is not the one that serves; "" when it is.

    calm_in   in how many seconds `settle` has something to do though nothing changes; None: never

    while_reloading   done again and again while the worker that is to be replaced still tells everything
    """

    def __init__(
        self,
        process: EngineProcess,
        places: Places,
        processors: int,
        while_reloading: Callable[[], Awaitable[None]],
    ) -> None:
        self.process = process
        self.console = Console(places.console)
        self._places = places
        self.while_reloading = while_reloading
        # Every application load balancer has two nodes or more, which share the processors; and a thread more
        # than there are processors for waits for those that are stopped while they hold a lock.
        self._threads = max(1, min(processors // 2, MOST_THREADS))
        self._seen: dict[int, dict[Key, Seen]] = {}  # by worker
        self._living: tuple[int, ...] = ()
        self._serving = ""  # the digest of what the current worker has loaded
        self._refused = _Refusal()
        self._loaded: tuple[int, frozenset[Key]] = (0, frozenset())  # by the configuration, of this worker
        self._late: tuple[frozenset[Key], float] = (frozenset(), 0.0)  # told so far, and when to load them
        self._next_start = 0.0
        self.current: int | None = None
        self.calm_in: float | None = None
        self.problem = ""

    @property
    def running(self) -> bool:
        return self.current is not None

    @property
    def serves(self) -> str:
        """The digest of the configuration in force."""
        return self._serving

    @property
    def workers(self) -> tuple[int, ...]:
        """Those that live, as of the last look."""
        return self._living

    async def settle(self, program: BalancerProgram, servers: Mapping[Key, Server]) -> bool:
        """Bring both into force.  True: nothing is left to be done; else it is to be called again soon.

        Raises ConsoleError, OSError when the engine has gone or the namespace has.
        """
        if not self.process.alive:
            await self._start(program, servers)
            if not self.running:
                return False
        await self._look()
        wanted = digest(program)
        if self._serving != wanted and (self._refused.mark != wanted or _now() >= self._refused.again):
            await self._reload(program, servers)
        self.problem = "" if self._serving == wanted else self._refused.words
        settled = await self._tell(program, servers)
        self.calm_in = self._until_calm(servers)
        if settled and not self.problem and self.calm_in == 0:
            await self._reload(program, servers)
            self._late = (frozenset(), 0.0)
            settled = await self._tell(program, servers)
            self.calm_in = self._until_calm(servers)
        return settled

    def has(self, key: Key, server: Server) -> bool:
        """Whether the worker that serves has a server as it shall be."""
        seen = self._seen.get(self.current or 0, {}).get(key)
        return seen is not None and seen == Seen(server.weight, server.used)

    def forget(self) -> None:
        """Ask the engine before the next change."""
        self._seen.clear()

    def _until_calm(self, servers: Mapping[Key, Server]) -> float | None:
        """A reload for each change would end connections that last before their time; one after many does
        not, as long as few workers finish what they have."""
        wanted = {key for key, server in servers.items() if server.used and server.is_better_loaded}
        if wanted and self.current is not None and self._loaded[0] != self.current:
            text = self._places.configuration.read_text()
            self._loaded = (self.current, servers_in(text))
        late = frozenset(wanted - self._loaded[1])
        if late != self._late[0]:
            self._late = (late, _now() + CALM_S)
        if not late:
            return None
        crowded = len(self._living) > MOST_OLD_WORKERS // 2
        return CALM_S if crowded else max(self._late[1] - _now(), 0.0)

    async def _start(self, program: BalancerProgram, servers: Mapping[Key, Server]) -> None:
        """With what the program says, or else with what was in force before."""
        await self.process.end()
        self.current, self._serving = None, ""
        self._seen.clear()
        if _now() < self._next_start:
            return
        self._next_start = _now() + START_AGAIN_S
        before = self._places.loaded()
        refused = self._refused.mark == digest(program)
        for candidate in (before,) if before and refused else (program, before):
            if candidate is None:
                continue
            generation = self._write(candidate, servers)
            self._places.switch(generation)
            said = self.process.cannot_listen(candidate.configuration)
            if said is None:
                self.process.start()
            if said is None and await self._until_loaded(digest(candidate), before=None):
                self._places.keep_only(generation)
                self._places.note_loaded(candidate)
                log.info("balancer.started", extra={"balancer": program.id})
                return
            said = said or self.process.said() or "the engine ended without a word"
            await self.process.end()
            if candidate is program:
                self._refused = _Refusal(digest(program), said, _now() + LOAD_AGAIN_S)
                self.problem = said
        log.error("balancer.not_started", extra={"balancer": program.id, "text": self.problem})

    async def _reload(self, program: BalancerProgram, servers: Mapping[Key, Server]) -> None:
        """A new worker takes over the listening sockets; the old one finishes what it has."""
        generation = self._write(program, servers)
        said = await self.process.check(generation)
        before = self._places.current.resolve()
        again = math.inf  # what it cannot read it never can
        if said is None:
            said, again = self.process.cannot_listen(program.configuration), _now() + LOAD_AGAIN_S
        if said is None:
            self._places.switch(generation)
            self.process.hush()
            await self.while_reloading()
            await self.console.reload()
            if await self._until_loaded(digest(program), before=self.current):
                self._places.keep_only(generation)
                self._places.note_loaded(program)
                await self._look()
                log.info("balancer.reloaded", extra={"balancer": program.id, "workers": len(self._seen)})
                return
            said, again = self.process.said() or "the engine did not load it", _now() + LOAD_AGAIN_S
            self._places.switch(before)  # what it would come up with again
        self._places.keep_only(before)
        self._refused = _Refusal(digest(program), said, again)
        log.error("balancer.refused", extra={"balancer": program.id, "text": said})

    async def _until_loaded(self, mark: str, before: int | None) -> bool:
        """Wait for a worker other than `before` that has loaded this."""
        end = _now() + LOAD_S
        failed_before: int | None = None
        while _now() < end and self.process.alive:
            if before is not None:
                await self.while_reloading()
            try:
                workers = await self.console.workers()
                if workers.current not in (None, before):
                    if await self._mark(workers.current or 0) == mark:
                        self.current, self._serving = workers.current, mark
                        return True
                elif failed_before is not None and workers.failed > failed_before:
                    return False
                failed_before = workers.failed if failed_before is None else failed_before
            except ConsoleError:
                pass  # it has no socket yet, or is between two
            await asyncio.sleep(_POLL_S)
        return False

    async def _look(self) -> None:
        """Know all workers."""
        workers: Workers = await self.console.workers()
        self._living = tuple(pid for pid in (workers.current, *workers.leaving) if pid is not None)
        present = set(self._living)
        for pid in self._seen.keys() - present:
            del self._seen[pid]
        if workers.current is not None and workers.current != self.current:
            self.current, self._serving = workers.current, await self._mark(workers.current)
        for pid in present - self._seen.keys():
            try:
                self._seen[pid] = read_servers(await self.console.ask(pid, "show servers state"))
            except (ConsoleError, ValueError):  # an old one that ended just now, or does not answer yet
                if pid == workers.current:
                    raise

    async def _tell(self, program: BalancerProgram, servers: Mapping[Key, Server]) -> bool:
        """Bring each worker's servers up to date."""
        backends = {pool.name for pool in program.pools if pool.engine}
        ending = [pool.name for pool in program.pools if pool.ends_connections]
        settled = self._seen.keys() >= set(self._living)  # who could not be asked is asked again
        for pid in tuple(self._seen):
            seen = self._seen[pid]
            if pid == self.current:
                wanted = servers
            else:  # it may have other backends than the newest configuration
                wanted = {key: server for key, server in servers.items() if key[0] in {of for of, _ in seen}}
                seen = {key: known for key, known in seen.items() if key[0] in backends}
            asked = commands(wanted, seen, ending)
            if not asked:
                continue
            try:
                refusals = await self.console.tell(pid, asked)
                self._seen[pid] = read_servers(await self.console.ask(pid, "show servers state"))
            except (ConsoleError, ValueError):
                self._seen.pop(pid, None)
                if pid == self.current:
                    raise
                settled = False
                continue
            if refusals:
                settled = False
                if pid == self.current:
                    self.problem = "; ".join(said for said in refusals if said not in _PATIENCE)[:2000]
        return settled

    async def _mark(self, worker: int) -> str:
        for line in (await self.console.ask(worker, "show info")).splitlines():
            if line.startswith("description: "):
                return line.partition(": ")[2].strip()
        return ""

    def _write(self, program: BalancerProgram, servers: Mapping[Key, Server]) -> Path:
        text = whole(program, servers, self._places.log_socket, self._threads)
        return self._places.write_generation(self._places.next_number(), text, program.files)


def _now() -> float:
    return asyncio.get_running_loop().time()
