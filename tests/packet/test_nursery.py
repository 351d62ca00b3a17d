"""Namespaces made ahead of need are whole when they are taken, and nothing is left of those nobody took."""

import os
import resource
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.packet.lab import Lab

from seawall.host.namespaces import Namespaces, task_id_map
from seawall.host.nursery import READY, Nursery

pytestmark = pytest.mark.world

PORTS = "ipv4/ip_unprivileged_port_start"
PATIENCE_S = 30


def read(namespaces: Namespaces, name: str, setting: str) -> str:
    with namespaces.inside(name):
        return Path("/proc/sys/net", setting).read_text().strip()


def is_running(process: int) -> bool:
    """Not so a zombie, which has no command line."""
    try:
        return Path("/proc", str(process), "cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_taken_with_the_settings_of_those_before(lab: Lab) -> None:
    settings = ((PORTS, "7"),)
    found = [lab.namespaces.create(f"task-{n}", task_id_map(), settings) for n in range(READY + 2)]
    try:
        assert found[-1] == settings
        assert read(lab.namespaces, f"task-{READY + 1}", PORTS) == "7"
        assert lab.namespaces.create("task-bare", task_id_map()) == ()  # what was ready is of no use to it
        assert read(lab.namespaces, "task-bare", PORTS) == "1024"
    finally:
        for name in lab.namespaces.names():
            lab.namespaces.remove(name)


def test_owned_by_a_user_namespace_with_the_ids(lab: Lab) -> None:
    lab.namespaces.create("task-one", task_id_map())
    try:
        assert lab.namespaces.user_path("task-one").stat().st_ino != Path("/proc/self/ns/user").stat().st_ino
        shown = subprocess.run(
            ["nsenter", f"--user={lab.namespaces.user_path('task-one')}", "cat", "/proc/self/uid_map"],
            check=True, stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip
        assert tuple(map(int, shown.split()))[::2] == (0, task_id_map().size)
    finally:
        for name in lab.namespaces.names():
            lab.namespaces.remove(name)


def test_the_maker_goes_with_an_agent_that_is_killed() -> None:
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        nursery = Nursery(*task_id_map())
        with nursery.take(()):
            assert nursery.process is not None
            os.write(tell, str(nursery.process).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    maker = int(os.read(told, 20))
    os.close(told)
    os.close(tell)
    os.waitpid(child, 0)
    ended = time.monotonic() + PATIENCE_S
    while is_running(maker):
        assert time.monotonic() < ended, "the maker outlives its agent"


def test_settings_that_do_not_exist_are_an_error(lab: Lab) -> None:
    with pytest.raises(OSError, match="no namespace"):
        lab.namespaces.create("task-odd", task_id_map(), (("ipv4/no_such_setting", "1"),))
    assert lab.namespaces.create("task-sane", task_id_map()) == ()  # another maker is started
    lab.namespaces.remove("task-sane")


def test_a_maker_that_died_is_replaced() -> None:
    nursery = Nursery(*task_id_map())
    with nursery.take(()):
        assert nursery.process is not None
        os.kill(nursery.process, signal.SIGKILL)
    with pytest.raises(OSError, match="its maker died"):
        for _ in range(READY + 2):  # some may have been ready
            with nursery.take(()):
                pass
    with nursery.take(()):
        nursery.close()


def test_whoever_begins_a_maker_may_have_many_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    nursery = Nursery(*task_id_map())
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with ExitStack() as many:
            for _ in range(1100):
                many.callback(os.close, os.dup(0))
            for _ in range(READY + 2):
                with nursery.take(()):
                    pass
    finally:
        nursery.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
