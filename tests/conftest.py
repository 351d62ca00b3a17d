"""For all tests."""

import os
import signal

import xdist.workermanage

CLEARING_UP_S = 60
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure() -> None:
    """End on SIGTERM as on Ctrl-C: with all fixtures torn down, so that nothing is left on the machine."""
    signal.signal(signal.SIGTERM, _end)
    xdist.workermanage.NodeManager.EXIT_TIMEOUT = CLEARING_UP_S  # then workers would be killed


def _end(number: int, frame: object) -> None:
    pytest_keyboard_interrupt()
    raise KeyboardInterrupt


def pytest_keyboard_interrupt() -> None:
    """Let no second word of the same end cut the tearing down short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if IS_WORKER:  # which is told by the one it works for, five seconds later, as if by Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_IGN)
