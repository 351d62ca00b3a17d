"""Loops of a node that must not end with the first thing nobody thought of."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger("seawall.balancer")

AGAIN_S = 1.0


async def kept_up(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Until cancelled.  An error that comes out of `work`, which is a mistake in it, is told, and it is begun
    again.
    """
    while True:
        task = asyncio.ensure_future(work())
        try:
            await asyncio.wait({task})
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if not task.cancelled():
            log.error("balancer.error", extra={"work": name}, exc_info=task.exception())
        await asyncio.sleep(AGAIN_S)
