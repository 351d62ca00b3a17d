"""How long each part of a container's way took, and where it is now."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from seawall.program.report import Phase

TELL_AFTER_S = 1.0  # what is over sooner is told with what comes next
TELL_AGAIN_S = 2.0


class Phases:
    """The parts of one launch.  `tell` is called while one of them lasts long."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._phases: list[Phase] = []

    @property
    def all(self) -> tuple[Phase, ...]:
        return tuple(self._phases)

    def begin_anew(self) -> None:
        self._phases.clear()

    @contextlib.contextmanager
    def during(self, name: str, progress: Callable[[], str] | None = None) -> Iterator[None]:
        """What is done within is a part of that name; it is over also when it fails.

        progress   how far it has come, in words; asked again and again while it lasts
        """
        place = len(self._phases)
        phases = self._phases
        phases.append(Phase(name=name, began=time.time()))
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def look(told: str | None = None) -> None:
            nonlocal timer
            text = progress() if progress else ""
            timer = loop.call_later(TELL_AGAIN_S, look, text)
            if text != told:
                phases[place] = replace(phases[place], text=text)
                self._tell()

        timer = loop.call_later(TELL_AFTER_S, look)
        try:
            yield
        finally:
            timer.cancel()
            if place < len(phases):  # else begun anew meanwhile
                text = progress() if progress else ""
                phases[place] = replace(phases[place], ended=time.time(), text=text)
