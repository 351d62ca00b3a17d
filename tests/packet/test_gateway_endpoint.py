"""Gateway endpoints tried with real packets: who gets to the service through them, and what does not."""

import socket
import struct

import pytest
from tests.packet.lab import Lab
from tests.packet.test_nat_gateway import flush
from tests.packet.test_peering import peer
from tests.packet.world_data import BORN, Cloud

from seawall.compile.network.endpoint_addresses import endpoint_addresses, endpoint_of
from seawall.model.internet import API_ADDRESS, S3_ADDRESS, S3_NETWORK
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.model.vpc_endpoint import VpcEndpoint

pytestmark = pytest.mark.world

ID = "vpce-s3"
LIST = "pl-s3"


def gateway_endpoint(cloud: Cloud, vpc: str, *tables: str) -> VpcEndpoint:
    """S3's, with its prefix list and its routes."""
    name = "com.amazonaws.us-east-1.s3"
    entries = (PrefixListEntry(cidr=S3_NETWORK),)
    cloud.put(
        PrefixList(id=LIST, name=name, owner_id="AWS", address_family="IPv4", max_entries=1, entries=entries)
    )
    endpoint = VpcEndpoint(id=ID, vpc_id=vpc, service_name=name, endpoint_type="Gateway", create_time=BORN)
    cloud.put(endpoint)
    for table in tables:
        cloud.route(table, LIST, vpc_endpoint=ID)
    return endpoint


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """No way to the internet.  Only the table of `near` (10.0.1.0/24) has the endpoint's route."""
    cloud = lab.cloud
    a = cloud.vpc("a", gateway=False)
    near, far = cloud.subnet(a, "near", "10.0.1.0/24"), cloud.subnet(a, "far", "10.0.2.0/24")
    table = cloud.table(a, "near", subnets=(near,))
    gateway_endpoint(cloud, a, table)
    cloud.group(a, "app")
    cloud.group(a, "listed", egress=(f"tcp:443 {LIST}",))
    cloud.group(a, "inside", egress=("-1 10.0.0.0/16",))
    cloud.task("app", near, "10.0.1.20", "sg-a-app")
    cloud.task("listed", near, "10.0.1.21", "sg-a-listed")
    cloud.task("inside", near, "10.0.1.22", "sg-a-inside")
    cloud.task("far", far, "10.0.2.20", "sg-a-app")
    lab.settle()
    return lab


def endpoint_address(lab: Lab) -> str:
    return endpoint_addresses([lab.cloud.resources[ID]])[ID]


def test_only_a_table_with_the_route_and_a_group_with_the_rule_lead_there(vpc: Lab) -> None:
    vpc.listen("edge", 80, 443)
    assert vpc.outcomes(
        ("task-app", S3_ADDRESS, 443),
        ("task-app", S3_ADDRESS, 80),
        ("task-listed", S3_ADDRESS, 443),
        ("task-listed", S3_ADDRESS, 80),
        ("task-inside", S3_ADDRESS, 443),
        ("task-far", S3_ADDRESS, 443),
    ) == ["connected", "connected", "connected", "silence", "silence", "silence"]


def test_the_service_sees_the_endpoint_and_no_other_address(vpc: Lab) -> None:
    (server,) = vpc.listen("edge", 443)
    vpc.connect("task-app", S3_ADDRESS, 443)
    _, seen = vpc.accept(server)
    assert seen == endpoint_address(vpc)
    assert endpoint_of(seen, [vpc.cloud.resources[ID]]) == ID
    assert endpoint_of("198.19.255.254", [vpc.cloud.resources[ID]]) is None


def test_it_leads_to_its_service_alone(vpc: Lab) -> None:
    vpc.listen("edge", 443)
    vpc.listen("internet", 443)
    table = vpc.cloud.resources["rtb-a-near"]
    wide = vpc.cloud.prefix_list("wide", "198.19.0.0/24", "203.0.113.0/24")
    vpc.cloud.route(table.id, wide, vpc_endpoint=ID)
    vpc.settle()
    assert vpc.outcomes(
        ("task-app", S3_ADDRESS, 443), ("task-app", API_ADDRESS, 443), ("task-app", "203.0.113.10", 443)
    ) == ["connected", "silence", "silence"]


def test_much_goes_both_ways_in_one_connection(vpc: Lab) -> None:
    (server,) = vpc.listen("edge", 443)
    mine = vpc.connect("task-app", S3_ADDRESS, 443)
    theirs, _ = vpc.accept(server)
    for sender, receiver in ((mine, theirs), (theirs, mine)):
        sender.sendall(bytes(100_000))
        left = 100_000
        while left:
            left -= len(receiver.recv(left))


def test_datagrams_do_not_pass(vpc: Lab) -> None:
    ear = vpc.receive("edge", 53, S3_ADDRESS)
    vpc.receive("task-app", 4000).sendto(b"anybody?", (S3_ADDRESS, 53))
    assert vpc.heard(ear) is None


@pytest.mark.parametrize(("type", "answer"), [(8, True), (13, False)])
def test_of_icmp_only_echo_passes(vpc: Lab, type: int, answer: bool) -> None:
    sock = vpc.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_ICMP)
    body = bytes(12)
    head = struct.pack(">BBHHH", type, 0, 0, 7, 1)
    sock.sendto(struct.pack(">BBHHH", type, 0, _checksum(head + body), 7, 1) + body, (S3_ADDRESS, 0))
    heard = vpc.heard(sock)
    assert (heard is not None) == answer
    if heard:
        assert heard[1][0] == S3_ADDRESS


def test_addresses_that_are_not_the_vpcs_do_not_pass(vpc: Lab) -> None:
    """As if they came from another network through an appliance."""
    vpc.listen("edge", 443)
    vpc.cloud.change("eni-app", source_dest_check=False)
    vpc.settle()
    ear = vpc.socket_in("edge", socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sender = vpc.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_RAW)
    echo = struct.pack(">BBHHH", 8, 0, _checksum(struct.pack(">BBHHH", 8, 0, 0, 7, 1)), 7, 1)

    def ping(source: str) -> bool:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(echo), 77, 0, 64, 1, 0)
        addresses = socket.inet_aton(source) + socket.inet_aton(S3_ADDRESS)
        sender.sendto(head + addresses + echo, (S3_ADDRESS, 0))
        return vpc.heard(ear) is not None

    assert ping("10.0.1.20")
    assert not ping("10.9.0.1")


def test_a_peered_vpc_cannot_use_it(vpc: Lab) -> None:
    (server,) = vpc.listen("edge", 443)
    b = vpc.cloud.vpc("b", "10.1.0.0/16", gateway=False)
    vpc.cloud.group(b, "app", "-1 0.0.0.0/0")
    vpc.cloud.task("b1", vpc.cloud.subnet(b, "one", "10.1.1.0/24"), "10.1.1.20", "sg-b-app")
    id = peer(vpc.cloud, "vpc-a", b)
    vpc.cloud.route("rtb-b-main", "10.0.0.0/16", vpc_peering_connection=id)
    vpc.cloud.route("rtb-b-main", S3_NETWORK, vpc_peering_connection=id)
    for table in ("rtb-a-main", "rtb-a-near"):
        vpc.cloud.route(table, "10.1.0.0/16", vpc_peering_connection=id)
    vpc.settle()
    vpc.listen("task-b1", 80)
    assert vpc.outcomes(("task-app", "10.1.1.20", 80), ("task-b1", S3_ADDRESS, 443)) == [
        "connected",
        "silence",
    ]
    server.settimeout(0)
    with pytest.raises(BlockingIOError):
        server.accept()


def test_nothing_comes_in_through_it(vpc: Lab) -> None:
    vpc.listen("task-app", 80)
    (server,) = vpc.listen("edge", 443)
    vpc.connect("task-app", S3_ADDRESS, 443)
    vpc.accept(server)
    address = endpoint_address(vpc)
    assert vpc.outcomes(("edge", address, 80), ("internet", address, 80)) == ["silence"] * 2


def test_the_route_gone_the_way_is_gone(vpc: Lab) -> None:
    vpc.listen("edge", 443)
    probe = ("task-app", S3_ADDRESS, 443)
    table = vpc.cloud.resources["rtb-a-near"]
    vpc.cloud.change(table.id, routes=table.routes[:-1])
    vpc.settle()
    assert vpc.outcomes(probe) == ["silence"]
    vpc.cloud.change(table.id, routes=table.routes)
    vpc.settle()
    assert vpc.outcomes(probe) == ["connected"]
    vpc.cloud.change(ID, state="deleting")
    program = vpc.settle()
    assert vpc.outcomes(probe) == ["silence"]
    assert ID not in {namespace.name for namespace in program.namespaces}
    assert vpc.rest(program) == []


def test_a_connection_outlives_the_rule_but_not_the_endpoint(vpc: Lab) -> None:
    (server,) = vpc.listen("edge", 443)
    mine = vpc.connect("task-listed", S3_ADDRESS, 443)
    theirs, _ = vpc.accept(server)
    vpc.cloud.drop("sgr-a-listed-out0")
    vpc.settle()
    mine.sendall(b"still here")
    assert theirs.recv(100) == b"still here"
    flush(vpc, ID)
    theirs.sendall(b"is it you?")
    mine.settimeout(0.4)
    with pytest.raises(TimeoutError):
        mine.recv(100)


def _checksum(packet: bytes) -> int:
    total = sum(struct.unpack(f">{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
