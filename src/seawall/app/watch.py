"""Looking at something again and again: a page that is drawn anew, or on paper what has changed."""

import sys
import time
from collections.abc import Callable, Iterable

EVERY_S = 1.0
_TOP, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def watch(draw: Callable[[], Iterable[str]]) -> None:
    """Until Ctrl-C.  On a terminal the screen shows what `draw` gives; elsewhere it is printed on change."""
    terminal = sys.stdout.isatty()
    if terminal:
        sys.stdout.write("\x1b[2J")
    shown: list[str] | None = None
    try:
        while True:
            lines = list(draw())
            if terminal:
                page = "".join(f"{line}{_CLEAR_LINE}\n" for line in lines)
                sys.stdout.write(f"{_TOP}{page}{_CLEAR_BELOW}")
            elif lines != shown:
                sys.stdout.write("".join(f"{line}\n" for line in lines) + "\n")
            sys.stdout.flush()
            shown = lines
            time.sleep(EVERY_S)
    except KeyboardInterrupt:
        return
