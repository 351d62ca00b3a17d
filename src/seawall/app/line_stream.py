"""An answer that goes on: one JSON value a line, as soon as there is one, until the client goes away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Forget = Callable[[], None]
Subscribe = Callable[[Callable[[], None]], Forget]

ENDED = b"null\n"
END_PATIENCE_S = 1.0


class Portion(NamedTuple):
    """What there was to tell at one moment.

    more   there is more already: ask again at once
    over   there will never be more
    """

    values: Sequence[Any]
    more: bool = False
    over: bool = False


class Streams:
    """Answers that go on, all of which end when Seawall does."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[Any] | None, asyncio.Event] = {}
        self._ending = False

    async def lines(
        self, receive: Receive, send: Send, read: Callable[[], Portion], wakes: Iterable[Subscribe]
    ) -> None:
        """Send what `read` gives now and whenever one of `wakes` calls, until it is over or nobody listens.

        `read` gives each value once; nothing is asked again while nothing wakes.  The last line is ENDED when
        Seawall ends before the answer does.
        """
        head = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        changed = self._open[asyncio.current_task()] = asyncio.Event()
        gone = asyncio.ensure_future(_gone(receive))
        forgets = [subscribe(changed.set) for subscribe in wakes]
        try:
            while not gone.done() and not self._ending:
                changed.clear()
                portion = read()
                body = b"".join(msgspec.json.encode(value) + b"\n" for value in portion.values)
                await send({"type": "http.response.body", "body": body, "more_body": True})
                if portion.more:
                    await asyncio.sleep(0)  # others have a turn
                    continue
                if portion.over:
                    break
                await _first_of(gone, changed)
            last = ENDED if self._ending else b""
            await send({"type": "http.response.body", "body": last})
        finally:
            gone.cancel()
            for forget in forgets:
                forget()
            del self._open[asyncio.current_task()]

    async def end(self) -> None:
        """Return when none goes on, or those who listen have taken nothing for some time."""
        self._ending = True
        serving = [task for task in self._open if task is not None]
        for changed in self._open.values():
            changed.set()
        if serving:
            await asyncio.wait(serving, timeout=END_PATIENCE_S)


async def _first_of(gone: "asyncio.Future[Any]", changed: asyncio.Event) -> None:
    woken: asyncio.Future[Any] = asyncio.ensure_future(changed.wait())
    await asyncio.wait({gone, woken}, return_when=asyncio.FIRST_COMPLETED)
    woken.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass
