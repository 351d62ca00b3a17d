"""The health checkers of Route 53: they look at endpoints from the world's internet and keep the verdict.

A verdict changes after as many looks in a row as the check's failure threshold says; only that is written to
the store, where the zones are compiled from.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec.structs import replace

from seawall.app.endpoint_look import Sight
from seawall.model.health_check import HealthCheck, HealthCheckConfig, StatusReport
from seawall.store.store import Store

log = logging.getLogger("seawall.health_checker")

Look = Callable[[HealthCheckConfig], Awaitable[Sight]]


class HealthReports:
    """The newest look at each endpoint, and the newest that failed; none are kept over a restart."""

    def __init__(self) -> None:
        self.newest: dict[str, StatusReport] = {}
        self.failed: dict[str, StatusReport] = {}

    def forget(self, id: str) -> None:
        self.newest.pop(id, None)
        self.failed.pop(id, None)


class HealthChecker:
    """`run` watches every endpoint that a health check names, until it is cancelled."""

    def __init__(
        self,
        store: Store,
        reports: HealthReports,
        look: Look,
        *,
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._reports = reports
        self._look = look
        self._clock = clock
        self._pause = pause
        self._watches: dict[str, tuple[HealthCheckConfig, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        changed = asyncio.Event()
        self._store.on_commit(changed.set)
        position = -1
        try:
            while True:
                changed.clear()
                position = self._follow(position)
                await changed.wait()
        finally:
            for id in list(self._watches):
                self._end(id)

    def _follow(self, position: int) -> int:
        """Start and end watches as the checks have changed; returns how far the feed was read."""
        revision = self._store.revision()
        fresh = position < 0
        concerned = fresh
        while not fresh and (changes := self._store.changes(position)):
            concerned = concerned or any(change.ref.kind == "health_check" for change in changes)
            position = changes[-1].revision
        if concerned:
            self._compare({check.id: check.config for check in self._store.all(HealthCheck)})
        return revision if fresh else position

    def _compare(self, wanted: dict[str, HealthCheckConfig]) -> None:
        for id in [id for id, (config, _) in self._watches.items() if wanted.get(id) != config]:
            self._end(id)
        for id, config in wanted.items():
            looks = config.type != "CALCULATED" and not config.disabled
            if looks and id not in self._watches:
                self._watches[id] = (config, asyncio.create_task(self._watch(id, config)))

    def _end(self, id: str) -> None:
        _, watch = self._watches.pop(id)
        watch.cancel()
        self._reports.forget(id)

    async def _watch(self, id: str, config: HealthCheckConfig) -> None:
        streak, before = 0, False
        while True:
            with contextlib.suppress(ConnectionError):  # nobody was there to look: nothing is learned
                sight = await self._look(config)
                self._note(id, sight)
                streak = streak + 1 if sight.passed == before else 1
                before = sight.passed
                if streak >= (config.failure_threshold or 1):
                    self._decide(id, sight)
            await self._pause(config.request_interval or 30)

    def _note(self, id: str, sight: Sight) -> None:
        report = StatusReport(status=sight.status, checked_time=self._clock())
        self._reports.newest[id] = report
        if not sight.passed:
            self._reports.failed[id] = report

    def _decide(self, id: str, sight: Sight) -> None:
        with self._store.write() as txn:
            check = txn.find(HealthCheck, id)
            if check is None or check.answers == sight.passed:
                return
            txn.put(replace(check, answers=sight.passed))
        log.info("health_check.changed", extra={"check": id, "answers": sight.passed, "text": sight.status})
