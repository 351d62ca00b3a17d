"""A time limit that never swallows a cancellation.

`asyncio.wait_for` before Python 3.12 returns the result, and forgets that it was cancelled, when both come at
once; a loop around it then runs on.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`.  Raises asyncio.TimeoutError, after `work` has ended from being cancelled."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done:
            return task.result()
        raise asyncio.TimeoutError
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # of who was cancelled meanwhile, nobody asks for it
