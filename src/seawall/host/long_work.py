"""Work on a disk that may take long: images unpacked, files counted, copied and removed.

It has a few threads of its own.  Those of the event loop are for what is short: a launch that waited for one
of them behind six images would wait for all of these.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

AT_ONCE = 6

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="long work")


async def at_leisure(work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What `work` returns or raises, once it had its turn.  It goes on when the caller is cancelled."""
    return await asyncio.get_running_loop().run_in_executor(_threads, partial(work, *args, **options))


async def to_its_end(work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """The same for what nobody may do again meanwhile: who is cancelled over it hears of that at its end."""
    doing = asyncio.ensure_future(at_leisure(work, *args, **options))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        _ = doing.cancelled() or doing.exception()
        raise
