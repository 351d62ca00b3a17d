"""Where nothing is asked of known flows, what arrives to be asked takes hold of them with its revision."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.packet.ears import one_processor
from tests.packet.lab import Lab

pytestmark = pytest.mark.world

APP = "10.0.1.20"
BLOCK, WEB6, CLIENT6 = "2001:db8:1000::/56", "2001:db8:1000::20", "2001:db8:cb00:7100::10"
IN, OUT = "in 900 allow -1 0.0.0.0/0", "out 900 allow -1 0.0.0.0/0"
NEVER_OPEN = 4003  # to none of the ACLs
AFTER = 40  # datagrams once the revision is in force


class Flow:
    """Numbered datagrams of a flow that the router knows: both ends have spoken."""

    def __init__(self, sender: socket.socket, receiver: socket.socket, address: str) -> None:
        self._sender, self._receiver = sender, receiver
        self._port = receiver.getsockname()[1]
        sender.connect((address, self._port))
        self.send(0)
        data, self._source = receiver.recvfrom(8)
        receiver.sendto(data, self._source)
        assert sender.recv(8) == data
        sender.setblocking(False)
        receiver.setblocking(False)

    def send(self, number: int) -> None:
        self._sender.send(number.to_bytes(8, "big"))

    def answer(self, number: int) -> None:
        self._receiver.sendto(number.to_bytes(8, "big"), self._source)

    def asked(self) -> list[int]:
        """The numbers that came in since the last time."""
        return list(_numbers(self._receiver))

    def answered(self) -> list[int]:
        return list(_numbers(self._sender))


def _numbers(sock: socket.socket) -> Iterator[int]:
    with suppress(BlockingIOError):
        while True:
            yield int.from_bytes(sock.recv(8), "big")


def numbers_during(lab: Lab, *flows: Flow) -> tuple[int, int, list[list[int]], list[list[int]]]:
    """Speak both ways while the cloud is put in force, and AFTER times more.

    The first number that was spoken when it was, how many there were, and for each flow what was heard.
    """
    asked: list[list[int]] = [[] for _ in flows]
    answered: list[list[int]] = [[] for _ in flows]

    def speak(number: int) -> None:
        for index, flow in enumerate(flows):
            flow.send(number)
            flow.answer(number)
            asked[index] += flow.asked()
            answered[index] += flow.answered()

    done: list[object] = []
    thread = threading.Thread(target=lambda: done.append(lab.settle()))
    thread.start()
    number = 0
    while thread.is_alive():
        speak(number)
        number += 1
    thread.join()
    assert done
    for later in range(number, number + AFTER):
        speak(later)
    return number, number + AFTER, asked, answered


def udp(lab: Lab, namespace: str, port: int, address: str = "0.0.0.0") -> socket.socket:
    sock = lab.receive(namespace, port, address)
    sock.settimeout(2)
    return sock


def assert_ends(heard: list[int], in_force: int) -> None:
    """All passed until some moment, none from then on, and none once the revision was in force."""
    assert heard == list(range(len(heard)))
    assert len(heard) <= in_force


def assert_go_on(heard: list[int], in_force: int, end: int) -> None:
    """All passed, but perhaps the one that was on its way in the moment of the change."""
    missing = set(range(end)) - set(heard)
    assert heard == sorted(heard)
    assert len(missing) <= 1
    assert all(number < in_force for number in missing)


def assert_begins(heard: list[int], in_force: int, end: int) -> None:
    assert heard == list(range(end - len(heard), end))
    assert len(heard) >= end - in_force


@pytest.mark.parametrize("subnet", ["pub", "priv"])
def test_an_acl_takes_hold_of_known_flows(lab: Lab, subnet: str) -> None:
    """Nothing is asked, then one ACL, then another, then nothing again; at either end of the flows."""
    cloud = lab.cloud
    a = cloud.vpc("a", gateway=False)
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    # Not for everybody: such flows are tracked, and end with no rule.
    cloud.group(a, "all", "-1 10.0.0.0/16", egress=("-1 10.0.0.0/16",))
    cloud.task("web", public, "10.0.0.20", "sg-a-all")
    cloud.task("app", private, APP, "sg-a-all")
    ways = ("in", "out") if subnet == "priv" else ("out", "in")  # questions, answers

    def acl(*denied: tuple[str, int]) -> None:
        entries = [f"{way} {10 + n} deny udp:{port} 0.0.0.0/0" for n, (way, port) in enumerate(denied)]
        cloud.acl(a, "own", *entries, IN, OUT, subnets=(f"subnet-a-{subnet}",))

    acl()
    lab.settle()
    with one_processor():
        flows = [
            Flow(udp(lab, "task-web", p), udp(lab, "task-app", p), APP) for p in (4001, 4002, NEVER_OPEN)
        ]
        for _ in range(4):
            acl((ways[0], 4001), (ways[1], 4002), (ways[0], NEVER_OPEN))
            in_force, end, asked, answered = numbers_during(lab, *flows)
            assert_ends(asked[0], in_force)
            assert_ends(answered[1], in_force)
            assert_ends(asked[2], in_force)
            for numbers in (answered[0], asked[1], answered[2]):
                assert_go_on(numbers, in_force, end)
            acl((ways[0], 4002), (ways[1], 4001), (ways[0], NEVER_OPEN))
            in_force, end, asked, answered = numbers_during(lab, *flows)
            assert asked[2] == []  # neither lets it pass
            assert_ends(asked[1], in_force)
            assert_ends(answered[0], in_force)
            assert_begins(asked[0], in_force, end)
            assert_begins(answered[1], in_force, end)
            acl()
            in_force, end, asked, answered = numbers_during(lab, *flows)
            for numbers in (asked[1], answered[0], asked[2]):
                assert_begins(numbers, in_force, end)


def test_an_egress_only_gateway_takes_hold_of_known_flows(lab: Lab) -> None:
    """It knows no connection that came in by another way: answers to those end as soon as it is their way."""
    cloud = lab.cloud
    a = cloud.vpc("a", ipv6=BLOCK)
    public = cloud.subnet(a, "pub", "10.0.0.0/24", ipv6_cidr_block="2001:db8:1000::/64")
    cloud.group(a, "web", f"udp:4001 {CLIENT6}/128", egress=(f"-1 {CLIENT6}/128",))
    cloud.task("web", public, "10.0.0.20", "sg-a-web", ipv6_addresses=(WEB6,))

    def leave_by(**gateway: str) -> None:
        cloud.route(cloud.table(a, "pub", subnets=(public,)), "::/0", **gateway)

    leave_by(internet_gateway="igw-a")
    lab.settle()
    lab.awake("task-web", WEB6)
    lab.awake("internet", CLIENT6)
    with one_processor():
        flow = Flow(udp(lab, "internet", 4001, CLIENT6), udp(lab, "task-web", 4001, "::"), WEB6)
        for _ in range(4):
            leave_by(egress_only_internet_gateway=cloud.egress_only_gateway(a))
            in_force, end, (asked,), (answered,) = numbers_during(lab, flow)
            assert set(range(in_force, end)) <= set(asked)  # in by the other gateway still
            assert not set(range(in_force, end)) & set(answered)
            cloud.drop("eigw-a")
            leave_by(internet_gateway="igw-a")
            in_force, end, _, (answered,) = numbers_during(lab, flow)
            assert set(range(in_force, end)) <= set(answered)
