"""For all tests."""

import signal


def pytest_configure() -> None:
    """End on SIGTERM as on Ctrl-C: with all fixtures torn down, so that nothing is left on the machine."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_keyboard_interrupt() -> None:
    """Let no second word of the same end cut the tearing down short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
