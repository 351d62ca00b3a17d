"""Memory that a burst of launches used, given back to the machine.

A launch takes some hundred kilobytes for a moment: TLS, messages, programs.  The C library keeps what is
freed for later, 70 MB after a few rounds of a hundred launches, which an agent at rest does not need.  Giving
it back takes up to 15 ms: it is done in a thread, and only when nothing has changed for a while.
"""

import asyncio
import ctypes

QUIET_S = 5.0

_libc = ctypes.CDLL(None)


class SpareMemory:
    def __init__(self) -> None:
        self._waiting: asyncio.TimerHandle | None = None

    def stir(self) -> None:
        """Something has changed: wait until it is quiet again."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(QUIET_S, self._give_back)

    def _give_back(self) -> None:
        self._waiting = None
        trim = getattr(_libc, "malloc_trim", None)  # glibc's own
        if trim is not None:
            asyncio.get_running_loop().run_in_executor(None, trim, 0)
