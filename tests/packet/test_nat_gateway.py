"""NAT gateways tried with real packets: several addresses, limits, fragments, forgetting, ACL-free paths."""

import socket
import struct

import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab

from seawall.model.network_interface import PublicAssociation, SecondaryAddress

pytestmark = pytest.mark.world

CLIENT = "203.0.113.10"


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """app (10.0.1.20) in a private subnet, behind nat-n (10.0.0.10, 198.18.0.10) in a public one."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.group(a, "app")
    nat = cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(a, "priv", subnets=(private,), nat_gateway=nat)
    cloud.task("app", private, "10.0.1.20", "sg-a-app")
    lab.settle()
    return lab


def second_address(lab: Lab, **members: object) -> None:
    association = PublicAssociation(public_ip="198.18.0.11", ip_owner_id="123456789012")
    secondary = SecondaryAddress(private_ip_address="10.0.0.11", association=association)
    lab.cloud.change("eni-nat-n", secondary_addresses=(replace(secondary, **members),))
    lab.settle()


def sources(lab: Lab, server: socket.socket, count: int) -> set[str]:
    found = set()
    for _ in range(count):
        lab.connect("task-app", CLIENT, 80)
        found.add(lab.accept(server)[1])
    return found


def test_connections_spread_over_all_addresses(vpc: Lab) -> None:
    (server,) = vpc.listen("internet", 80)
    assert sources(vpc, server, 4) == {"198.18.0.10"}
    second_address(vpc)
    assert sources(vpc, server, 40) == {"198.18.0.10", "198.18.0.11"}


def test_a_draining_address_keeps_its_connections_and_gets_no_new_ones(vpc: Lab) -> None:
    (server,) = vpc.listen("internet", 80)
    second_address(vpc)
    held = {}
    while len(held) < 2:
        mine = vpc.connect("task-app", CLIENT, 80)
        theirs, address = vpc.accept(server)
        held[address] = mine, theirs
    second_address(vpc, draining_until=vpc.cloud.resources["nat-n"].create_time)
    assert sources(vpc, server, 20) == {"198.18.0.10"}
    mine, theirs = held["198.18.0.11"]
    mine.sendall(b"still here")
    assert theirs.recv(100) == b"still here"


def test_what_is_forgotten_is_reset_when_it_speaks_again(vpc: Lab) -> None:
    (server,) = vpc.listen("internet", 80)
    mine = vpc.connect("task-app", CLIENT, 80)
    theirs, _ = vpc.accept(server)
    flush(vpc, "nat-n")  # as 350 idle seconds do
    theirs.sendall(b"too late")  # the internet's side hears nothing
    mine.sendall(b"anybody there?")
    with pytest.raises(ConnectionResetError):
        mine.recv(1)


def test_protocols_other_than_tcp_udp_and_icmp_stop_here(vpc: Lab) -> None:
    catcher = vpc.socket_in("internet", socket.SOCK_RAW, 132)
    sender = vpc.socket_in("task-app", socket.SOCK_RAW, 132)
    sender.sendto(b"\x12\x34\x00\x50" + bytes(12), (CLIENT, 0))
    assert vpc.heard(catcher) is None


@pytest.mark.parametrize(("protocol", "passes"), [(17, True), (6, False), (1, False)])
def test_only_datagrams_may_come_in_fragments(vpc: Lab, protocol: int, passes: bool) -> None:
    catcher = vpc.socket_in("internet", socket.SOCK_RAW, protocol)
    sender = vpc.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_RAW)
    payload = {
        17: struct.pack(">HHHH", 4000, 80, 8 + 40, 0) + bytes(40),
        6: struct.pack(">HHIIBBHHH", 4000, 80, 1, 0, 5 << 4, 2, 1000, 0, 0) + bytes(28),
        1: struct.pack(">BBHHH", 8, 0, 0, 7, 1) + bytes(40),
    }[protocol]
    for offset in (0, 24):
        more = 0x2000 if offset == 0 else 0
        part = payload[:24] if offset == 0 else payload[24:]
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(part), 77, more | offset // 8, 64, protocol, 0)
        addresses = socket.inet_aton("10.0.1.20") + socket.inet_aton(CLIENT)
        sender.sendto(head + addresses + part, (CLIENT, 0))
    assert (vpc.heard(catcher) is not None) == passes


def test_no_more_connections_to_one_destination_than_an_address_has(
    vpc: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.compile.network.nat_gateway.CONNECTIONS_PER_DESTINATION", 5)
    vpc.settle()
    vpc.listen("internet", 80, 81)
    held = [vpc.connect("task-app", CLIENT, 80) for _ in range(5)]
    assert vpc.outcomes(("task-app", CLIENT, 80), ("task-app", CLIENT, 81)) == ["silence", "connected"]
    assert all(sock.fileno() >= 0 for sock in held)


def test_nothing_unasked_comes_in(vpc: Lab) -> None:
    vpc.listen("task-app", 80)
    assert vpc.outcomes(("internet", "198.18.0.10", 80), ("task-app", "10.0.0.10", 80)) == ["silence"] * 2


def flush(lab: Lab, namespace: str) -> None:
    """Forget all connections there: IPCTNL_MSG_CT_DELETE that names none."""
    sock = lab.namespaces.socket_in(namespace, socket.AF_NETLINK, socket.SOCK_RAW, 12)
    with sock:
        sock.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 5, 1, 0, 0, 0, 0))
        (error,) = struct.unpack_from("=i", sock.recv(4096), 16)
    assert error == 0
