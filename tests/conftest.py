"""For all tests."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import examples as _profile  # noqa: F401 - registers it

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
MEMORY, ROOM = Path("/dev/shm"), 1 << 28  # bytes of it that must be free


@pytest.fixture
def memory_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder like `tmp_path`, in memory where that has room: a disk takes 60 ms to make a store, 2 ms for
    each of its transactions."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        yield tmp_path_factory.mktemp("memory")
        return
    with tempfile.TemporaryDirectory(prefix="seawall-test-", dir=MEMORY) as folder:
        yield Path(folder)


def pytest_collection_finish() -> None:
    """What is here by now stays: looking through it again and again would take an eighth of the time."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """End on SIGTERM as on Ctrl-C: with all fixtures torn down, so that nothing is left on the machine."""
    has_workers = not IS_WORKER and bool(
        config.getoption("tx", None) or config.getoption("numprocesses", None)
    )
    signal.signal(signal.SIGTERM, _tell_the_workers if has_workers else _end)


def _end(number: int, frame: object) -> None:
    pytest_keyboard_interrupt()
    raise KeyboardInterrupt


def _tell_the_workers(number: int, frame: object) -> None:
    """They end by themselves and say so; who ends before them would have them killed after some seconds."""
    for child in Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        os.kill(int(child), signal.SIGTERM)


def pytest_keyboard_interrupt() -> None:
    """Let no second word of the same end cut the tearing down short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if IS_WORKER:  # which is told once more by the one it works for, as if by Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_IGN)
