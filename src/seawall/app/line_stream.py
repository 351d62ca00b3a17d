"""An answer that goes on: one JSON value a line, as soon as there is one, until the client goes away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Forget = Callable[[], None]
Subscribe = Callable[[Callable[[], None]], Forget]


class Portion(NamedTuple):
    """What there was to tell at one moment.

    more   there is more already: ask again at once
    over   there will never be more
    """

    values: Sequence[Any]
    more: bool = False
    over: bool = False


async def stream_lines(
    receive: Receive, send: Send, read: Callable[[], Portion], wakes: Iterable[Subscribe]
) -> None:
    """Send what `read` gives now and whenever one of `wakes` calls, until it is over or nobody listens.

    `read` gives each value once; nothing is asked again while nothing wakes.
    """
    head = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    changed = asyncio.Event()
    gone = asyncio.ensure_future(_gone(receive))
    forgets = [subscribe(changed.set) for subscribe in wakes]
    try:
        while not gone.done():
            changed.clear()
            portion = read()
            body = b"".join(msgspec.json.encode(value) + b"\n" for value in portion.values)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if portion.more:
                await asyncio.sleep(0)  # others have a turn
                continue
            if portion.over:
                break
            woken = asyncio.ensure_future(changed.wait())
            await asyncio.wait({gone, woken}, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
    finally:
        gone.cancel()
        for forget in forgets:
            forget()
    await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass
