"""SIGKILL before every single effect of an apply: the next engine finishes, and no denied packet passes."""

import asyncio
import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab
from tests.packet.test_convergence import first, listing, second

from seawall.host.namespaces import Namespaces
from seawall.host.network import nft, tables
from seawall.host.network.engine import NetworkEngine
from seawall.host.network.netlink import NetlinkSocket
from seawall.host.network.unforgotten import Unforgotten
from seawall.program.network import NetworkProgram

pytestmark = pytest.mark.world

EFFECTS: tuple[tuple[Any, str], ...] = (
    (NetlinkSocket, "send"),
    (NetlinkSocket, "transact"),
    (Namespaces, "create"),
    (Namespaces, "remove"),
    (NetworkEngine, "_set_sysctls"),
    (Unforgotten, "note"),
    (Unforgotten, "done"),
    (tables, "run_nft"),
    (nft, "run_nft"),
    (tables, "forget_flows"),
)
_COUNTED = re.compile(r"counter packets \d+ bytes \d+")
DENIED = (("task-one", "task-two", "10.0.1.21", 81), ("task-two", "task-one", "10.0.0.20", 81))


def new_skeleton(program: NetworkProgram) -> NetworkProgram:
    spaces = [
        replace(
            n, policy=n.policy and replace(n.policy, skeleton=n.policy.skeleton + "    counter newer { }\n")
        )
        for n in program.namespaces
    ]
    return replace(program, namespaces=tuple(spaces))


def apply_and_die(run_dir: Path, program: NetworkProgram, effect: int) -> bool:
    """In a process of its own that is killed before its n-th effect; False where it had fewer."""
    child = os.fork()
    if child == 0:
        left = effect

        def dying(original: Callable[..., Any]) -> Callable[..., Any]:
            def step(*args: Any, **options: Any) -> Any:
                nonlocal left
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
                return original(*args, **options)

            return step

        for place, name in EFFECTS:
            setattr(place, name, dying(getattr(place, name)))
        status = 1
        try:
            problems = asyncio.new_event_loop().run_until_complete(NetworkEngine(run_dir).apply(program))
            status = 0 if problems == () else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


class Prober:
    """Sends datagrams that no rule allows, for as long as it runs."""

    def __init__(self, run_dir: Path) -> None:
        self._namespaces = Namespaces(run_dir)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0
        self.passed: list[str] = []
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            for source, target, address, port in DENIED:
                self._probe(source, target, address, port)

    def _probe(self, source: str, target: str, address: str, port: int) -> None:
        try:
            receiver = self._namespaces.socket_in(target, type=2)
        except OSError:
            return  # there is no such namespace at the moment
        with receiver:
            try:
                receiver.setsockopt(0, 15, 1)  # IP_FREEBIND
                receiver.bind((address, port))
                receiver.settimeout(0.002)
                with self._namespaces.socket_in(source, type=2) as sender:
                    sender.sendto(b"denied", (address, port))
                self.sent += 1
                receiver.recv(10)
            except OSError:
                return
        self.passed.append(f"{source} to {target}")

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._namespaces.close()


def uncounted(lab: Lab, namespace: str) -> dict[str, list[str]]:
    """What nft shows, but for numbers of packets."""
    found = listing(lab, namespace).items()
    return {head: [_COUNTED.sub("counter", text) for text in texts] for head, texts in found}


@pytest.mark.parametrize("case", ["first_fill", "change", "skeleton", "removal"])
def test_killed_before_any_effect(lab: Lab, case: str) -> None:
    empty, a = NetworkProgram(), first(lab)
    before, after = {
        "first_fill": lambda: (empty, a),
        "change": lambda: (a, second(lab)),
        "skeleton": lambda: (a, new_skeleton(a)),
        "removal": lambda: (a, empty),
    }[case]()
    lab.apply(before)
    lab.apply(after)
    spaces = [n.name for n in after.namespaces if n.policy]
    undisturbed = {name: uncounted(lab, name) for name in spaces}
    prober = Prober(lab.run_dir)
    effect, killed = 0, True
    try:
        while killed:
            lab.apply(before)
            killed = apply_and_die(lab.run_dir, after, effect)
            lab.replace_engine()
            lab.apply(after)
            assert lab.rest(after) == [], f"killed before effect {effect}"
            assert {name: uncounted(lab, name) for name in spaces} == undisturbed
            assert prober.passed == [], f"killed before effect {effect}"
            effect += 1
    finally:
        prober.close()
    print(f"{case}: {effect} effects, {prober.sent} probes")
    assert effect > 3
    assert prober.sent > 20
