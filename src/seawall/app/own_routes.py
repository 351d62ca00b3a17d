"""Seawall's own few URLs: health, and reset.  Everything else is AWS's."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from seawall.api.ecs.task_event import Whose
from seawall.app.access_log_spool import Spool
from seawall.app.event_feed import EventFeed
from seawall.app.fresh_counts import sample_all
from seawall.app.line_stream import Streams
from seawall.app.log_feed import LogFeed, LogsAsked
from seawall.app.registry import Registry
from seawall.app.settings import Settings
from seawall.controllers.loop import Context
from seawall.controllers.network_snapshot import NETWORK_KINDS, network_snapshot
from seawall.controllers.spot_interruption import NotInterruptible, interrupt
from seawall.controllers.why import tasks_meant, why
from seawall.controllers.why_service import services_meant, why_service
from seawall.host.deadline import within
from seawall.model.access_key import AccessKey
from seawall.model.installation import Installation
from seawall.store.log_events import LogEvents
from seawall.store.metrics import Metrics
from seawall.store.objects import Objects
from seawall.store.store import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
PREFIX = "/_seawall/"
SETTLE_TIMEOUT_S = 20.0
TRUSTED = {
    **dict.fromkeys(("model", "why", "counters", "events", "logs", "balancers"), "GET"),
    **dict.fromkeys(("interrupt", "reset"), "POST"),
}


class OwnRoutes:
    """GET /_seawall/health: 200 when all is ready, 503 before.  `limits` is "enforced", or why limits on
    memory, CPU and processes cannot hold here.

    GET /_seawall/settled: the same, but the answer comes only once the host has in force all that the API was
    told before (503 after 20 s).

    GET /_seawall/model: the network's model (compile.network.snapshot.NetworkSnapshot), with the same token
    as reset.

    GET /_seawall/counters: what rules and NAT gateways have counted, read this moment, with the same token.

    GET /_seawall/balancers: what each node of a load balancer said last (program.report.BalancerReport), with
    the same token.

    GET /_seawall/why?task=ID: a task's way, what it waits for and why it ended (controllers.why); or
    ?task=SERVICE: whether a service is well, and if not why (controllers.why_service); with the same token.

    GET /_seawall/events?last=N&follow=1: ECS events, one JSON object a line, with the same token.

    GET /_seawall/logs?asked=JSON: what a task's containers write, as it arrives, until the task has stopped
    (app.log_feed); with the same token.

    POST /_seawall/interrupt?task=ID: interrupts a Spot task (controllers.spot_interruption), with the same
    token.

    POST /_seawall/reset: empties everything and makes the first day's account again.  Where signatures are
    enforced it wants the control token (`Authorization: Bearer ...`) that `up` left in control.json.
    """

    def __init__(
        self,
        context: Context,
        registry: Registry,
        records: Iterable[LogEvents | Metrics | Objects | Spool],
        *,
        reset: Callable[[str, AccessKey | None], None],
        settings: Settings,
    ) -> None:
        self.store: Store = context.store
        self._context = context
        self._registry = registry
        self._records = tuple(records)
        self._first_start = reset
        self._settings = settings
        self._streams = Streams()

    @property
    def control_token(self) -> str:
        return self.store.get(Installation, "installation").control_token

    @staticmethod
    def matches(scope: Scope) -> bool:
        return bool(scope["path"].startswith(PREFIX))

    async def ready(self) -> None:
        """Return once the host has everything in force that the store says."""
        await self._in_force(1)

    async def _settled(self) -> bool:
        try:
            await within(SETTLE_TIMEOUT_S, self._in_force(self._newest()))
        except asyncio.TimeoutError:
            return False
        return True

    def _newest(self) -> int:
        """The newest revision the host has to know; the loops have read the feed up to here or will now."""
        kinds = NETWORK_KINDS | {"task"}
        unread = (c.revision for c in self.store.changes(self._context.wanted) if c.ref.kind in kinds)
        return max(unread, default=self._context.wanted)

    async def _in_force(self, revision: int) -> None:
        changed = asyncio.Event()
        forget = self._context.host.on_change(changed.set)
        try:
            while self._context.host.in_force < revision:
                await changed.wait()
                changed.clear()
        finally:
            forget()

    async def end_streams(self) -> None:
        """What goes on ends; whoever listens is told that Seawall does."""
        await self._streams.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, name = scope["method"], scope["path"].removeprefix(PREFIX)
        if TRUSTED.get(name) == method and not self._trusted(scope):
            await _answer(send, 403, {"message": f"{name} wants the control token of control.json"})
            return
        match method, name:
            case "GET", "health":
                health = self._health()
                await _answer(send, 200 if health["status"] == "ready" else 503, health)
            case "GET", "settled":
                settled = await self._settled()
                await _answer(send, 200 if settled else 503, self._health())
            case "GET", "model":
                await _answer(send, 200, network_snapshot(self._context))
            case "GET", "balancers":
                await _answer(send, 200, list(self._context.host.balancers.values()))
            case "GET", "counters":
                await _answer(send, 200, await self._counters())
            case "GET", "why":
                await self._why(_query(scope).get("task", ""), send)
            case "GET", "events":
                await self._events(scope, receive, send)
            case "GET", "logs":
                await self._logs(scope, receive, send)
            case "POST", "interrupt":
                await self._interrupt(_query(scope).get("task", ""), send)
            case "POST", "reset":
                await self._reset()
                await _answer(send, 200, {"status": "empty"})
            case _:
                await _answer(
                    send, 404, {"message": f"there is {', '.join(('health', 'settled', *TRUSTED))}"}
                )

    def _health(self) -> dict[str, Any]:
        host = self._context.host
        revision = self.store.revision()
        return {
            "status": "ready" if host.world and host.in_force else "starting",
            "world": host.world,
            "revision": revision,
            "in_force": host.in_force,
            "settled": host.in_force >= self._context.wanted,
            "limits": host.limits,
            "problems": [msgspec.to_builtins(problem) for problem in host.problems],
            "notes": [
                {"task": report.id, "container": container.name, "text": text}
                for report in host.reports.values()
                for container in report.containers
                for text in container.notes
            ],
        }

    async def _counters(self) -> dict[str, Any]:
        """`totals` by namespace and origin (ids separated by commas), since `since`; `unread` are the
        namespaces that could not be read this time.
        """
        context = self._context
        unread = await sample_all(context)
        totals = {
            namespace: {origin: tally._asdict() for origin, tally in found.items()}
            for namespace, found in context.counts.totals.items()
        }
        return {"since": context.counts.since, "totals": totals, "unread": unread}

    def _trusted(self, scope: Scope) -> bool:
        if self._settings.auth == "open":
            return True
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self.control_token}".encode())

    async def _why(self, start: str, send: Send) -> None:
        services = services_meant(start, self.store)
        if len(services) == 1:
            await _answer(send, 200, why_service(services[0], self._context))
            return
        if services:
            names = ", ".join(service.id for service in services)
            await _answer(send, 404, {"message": f"{start} may be {names}"})
            return
        found = tasks_meant(start.rpartition("/")[2], self.store)
        if len(found) == 1:
            await _answer(send, 200, why(found[0], self._context))
        else:
            await _answer(send, 404, {"message": f"{start}: {len(found)} tasks have an id that begins so"})

    async def _interrupt(self, start: str, send: Send) -> None:
        try:
            task = interrupt(self.store, start)
        except NotInterruptible as error:
            await _answer(send, 404, {"message": str(error)})
        else:
            await _answer(send, 200, {"task": task.id})

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _query(scope)
        whose = Whose(self._settings.account, self._settings.region)
        try:
            last = int(asked["last"]) if "last" in asked else None
        except ValueError:
            await _answer(send, 400, {"message": f"last={asked['last']} is no number"})
            return
        feed = EventFeed(self.store, whose, last=last, follow="follow" in asked)
        await self._streams.lines(receive, send, feed.read, [self.store.on_commit])

    async def _logs(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asked = msgspec.json.decode(_query(scope).get("asked", ""), type=LogsAsked)
        except msgspec.MsgspecError as error:
            await _answer(send, 400, {"message": f"asked: {error}"})
            return
        (events,) = (record for record in self._records if isinstance(record, LogEvents))
        feed = LogFeed(self.store, events, asked)
        await self._streams.lines(receive, send, feed.read, [events.on_append, self.store.on_commit])

    async def _reset(self) -> None:
        """Empty everything but the two keys that control.json told the other commands."""
        await self._registry.clear()  # first: from here on nobody may see the store between two states
        installation = self.store.get(Installation, "installation")
        key = self.store.find(AccessKey, installation.administrator_key_id)
        self.store.clear()
        for record in self._records:
            record.clear()
        self._first_start(installation.control_token, key)


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


async def _answer(send: Send, status: int, body: Any) -> None:
    content = msgspec.json.encode(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
