"""The checks of one node: all its targets in one loop, what is known of them kept on disk."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from seawall.host.balancer.health import Outcome, Standing, after_check
from seawall.host.balancer.kept_up import kept_up
from seawall.host.balancer.probe import Opener, probe
from seawall.host.balancer.schedule import Schedule
from seawall.program.balancer import Check, Pool, PoolTarget

SAVED_WITHIN_S = 1.0
_Saved = dict[str, dict[str, Standing]]


class Prober:
    """`standings` is by pool and target.  `changed` is called whenever one of them has another state."""

    def __init__(self, file: Path, open_socket: Opener, changed: Callable[[], None]) -> None:
        self._file = file
        self._open = open_socket
        self._changed = changed
        self.standings: _Saved = _load(file)
        self._wanted: dict[tuple[str, str], tuple[Check, PoolTarget]] = {}
        self._serving: dict[tuple[str, str], bool] = {}
        self._schedule: Schedule[tuple[str, str]] = Schedule()
        self._woken = asyncio.Event()
        self._asking: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._saving: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None

    def follow(self, pools: tuple[Pool, ...]) -> None:
        """Ask these targets; forget what is known of others.  A draining one is not asked any more; when it
        is registered again it is a new one.
        """
        targets = {(pool.name, target.id): (pool, target) for pool in pools for target in pool.targets}
        for key, (_, target) in targets.items():
            if target.serving and self._serving.get(key) is False:
                self.standings.get(key[0], {}).pop(key[1], None)
        self._serving = {key: target.serving for key, (_, target) in targets.items()}
        self._wanted = {
            key: (pool.check, target)
            for key, (pool, target) in targets.items()
            if pool.check is not None and target.serving
        }
        named = {pool.name: {target.id for target in pool.targets} for pool in pools if pool.check}
        self.standings = {
            name: {id: standing for id, standing in self.standings.get(name, {}).items() if id in ids}
            for name, ids in named.items()
        }
        for key in self._asking.keys() - self._wanted.keys():
            self._asking[key].cancel()
        intervals = {key: check.interval_s for key, (check, _) in self._wanted.items()}
        self._schedule.keep(intervals, time.monotonic())
        self._save_soon()
        self._woken.set()
        if self._running is None:
            self._running = asyncio.create_task(kept_up("checks", self._run))

    async def close(self) -> None:
        """Ask no more; what is known stays on disk."""
        tasks = [*self._asking.values(), *((self._running,) if self._running else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._saving is not None:
            self._save()

    async def _run(self) -> None:
        while True:
            now = time.monotonic()
            for key in self._schedule.due(now):
                if key not in self._asking:  # it may still be at it, at the very end of its timeout
                    self._asking[key] = asyncio.create_task(self._ask(key))
            self._woken.clear()
            next_turn = self._schedule.next
            if next_turn is None:
                await self._woken.wait()
                continue
            waker = asyncio.get_running_loop().call_later(max(0, next_turn - now), self._woken.set)
            try:
                await self._woken.wait()
            finally:
                waker.cancel()

    async def _ask(self, key: tuple[str, str]) -> None:
        try:
            wanted = self._wanted.get(key)
            if wanted is not None:
                check, target = wanted
                self._note(key, check, await probe(self._open, check, target))
        finally:
            del self._asking[key]

    def _note(self, key: tuple[str, str], check: Check, outcome: Outcome) -> None:
        if key not in self._wanted:
            return
        pool, target = key
        known = self.standings.setdefault(pool, {})
        before = known.get(target, Standing())
        known[target] = after_check(check, before, outcome, time.time())
        after = known[target]
        if after.state != before.state:
            self._save()
        else:
            self._save_soon()
        if after.state != before.state or (after.state != "healthy" and after.last != before.last):
            self._changed()

    def _save_soon(self) -> None:
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(SAVED_WITHIN_S, self._save)

    def _save(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        if self._file.parent.is_dir():
            draft = self._file.with_suffix(".new")
            draft.write_bytes(msgspec.msgpack.encode(self.standings))
            draft.replace(self._file)


def _load(file: Path) -> _Saved:
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=_Saved)
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
