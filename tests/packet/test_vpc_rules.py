"""Rules beyond one port: overlaps, protocols, ICMP types, prefix lists, and what was counted for whom."""

import socket

import pytest
from tests.packet.lab import Lab

pytestmark = pytest.mark.world

A, B = "10.0.0.20", "10.0.0.30"


@pytest.fixture
def pair(lab: Lab) -> Lab:
    """b, which nothing may reach yet, and a beside it."""
    cloud = lab.cloud
    vpc = cloud.vpc("a")
    subnet = cloud.subnet(vpc, "one", "10.0.0.0/24")
    cloud.group(vpc, "a")
    cloud.group(vpc, "b")
    cloud.task("a", subnet, A, "sg-a-a")
    cloud.task("b", subnet, B, "sg-a-b")
    lab.settle()
    lab.listen("task-b", 79, 80, 90, 100, 101, 443)
    return lab


def open_ports(lab: Lab) -> set[int]:
    ports = (79, 80, 90, 100, 101, 443)
    found = lab.reachable(*(("task-a", B, port) for port in ports))
    return {port for port, open in zip(ports, found, strict=True) if open}


def test_overlapping_rules_are_a_union(pair: Lab) -> None:
    pair.cloud.rule("sg-a-b", "wide", "tcp:80-100 10.0.0.0/8")
    pair.cloud.rule("sg-a-b", "narrow", f"tcp:90-101 {A}/32")
    pair.cloud.rule("sg-a-b", "group", "tcp:100 sg-a-a")
    pair.cloud.rule("sg-a-b", "elsewhere", "-1 10.0.9.0/24")
    pair.settle()
    assert open_ports(pair) == {80, 90, 100, 101}
    pair.cloud.drop("sgr-a-b-wide")
    pair.settle()
    assert open_ports(pair) == {90, 100, 101}
    pair.cloud.drop("sgr-a-b-narrow")
    pair.settle()
    assert open_ports(pair) == {100}
    pair.cloud.rule("sg-a-b", "all", "-1 sg-a-a")
    pair.settle()
    assert open_ports(pair) == {79, 80, 90, 100, 101, 443}


def test_a_prefix_list_is_what_its_entries_are_now(pair: Lab) -> None:
    everybody = pair.cloud.prefix_list("some", "192.0.2.0/24", "10.0.0.16/28", "10.0.0.0/28")
    pair.cloud.rule("sg-a-b", "list", f"tcp:443 {everybody}")
    pair.settle()
    assert open_ports(pair) == {443}
    pair.cloud.prefix_list("some", "192.0.2.0/24")
    pair.settle()
    assert open_ports(pair) == set()


def heard_types(lab: Lab, flow: int, kinds: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    target = lab.socket_in("task-b", socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sender = lab.socket_in("task-a", socket.SOCK_RAW, socket.IPPROTO_ICMP)
    for kind, code in kinds:
        body = bytes([kind, code, 0, 0, 0, flow, 0, kind])
        total = sum(int.from_bytes(body[i : i + 2], "big") for i in range(0, 8, 2))
        checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        sender.sendto(body[:2] + checksum.to_bytes(2, "big") + body[4:], (B, 0))
    found = []
    while (heard := lab.heard(target)) is not None:
        found.append((heard[0][20], heard[0][21]))
    return found


def test_icmp_types_and_codes(pair: Lab) -> None:
    kinds = ((8, 0), (13, 0), (8, 1), (15, 0))
    pair.cloud.rule("sg-a-b", "echo", f"icmp:8--1 {A}/32")
    pair.cloud.rule("sg-a-b", "info", "icmp:15-0 sg-a-a")
    pair.settle()
    assert heard_types(pair, 1, kinds) == [(8, 0), (8, 1), (15, 0)]
    pair.cloud.rule("sg-a-b", "echo", f"icmp:8-1 {A}/32")
    pair.cloud.drop("sgr-a-b-info")
    pair.settle()
    assert heard_types(pair, 2, kinds) == [(8, 1)]
    pair.cloud.drop("sgr-a-b-echo")
    pair.cloud.rule("sg-a-b", "tcp", "tcp:0-65535 0.0.0.0/0")
    pair.settle()
    assert heard_types(pair, 3, kinds) == []


def test_protocols_without_ports_ignore_them(pair: Lab) -> None:
    def arrives(protocol: int) -> bool:
        target = pair.socket_in("task-b", socket.SOCK_RAW, protocol)
        sender = pair.socket_in("task-a", socket.SOCK_RAW, protocol)
        sender.sendto(b"\0\x16 hello", (B, 0))
        return pair.heard(target) is not None

    pair.cloud.rule("sg-a-b", "gre", "47:22 0.0.0.0/0")
    pair.cloud.rule("sg-a-b", "self", "99:22-23 sg-a-a")
    pair.settle()
    assert [arrives(protocol) for protocol in (47, 99, 50)] == [True, True, False]
    pair.cloud.rule("sg-a-b", "all", "-1 10.0.0.0/24")
    pair.settle()
    assert arrives(50)


def test_policies_count_what_their_rules_let_pass(pair: Lab) -> None:
    """Two groups on one interface are the union of both; the counters tell which rules decided."""
    pair.cloud.rule("sg-a-b", "http", "tcp:80 sg-a-a")
    pair.cloud.group("vpc-a", "more", "tcp:443 10.0.0.0/24")
    pair.cloud.change("eni-b", group_ids=("sg-a-b", "sg-a-more"))
    pair.settle()
    assert open_ports(pair) == {80, 443}
    pair.cloud.change("eni-a", group_ids=("sg-a-more",))
    pair.settle()
    assert open_ports(pair) == {443}
