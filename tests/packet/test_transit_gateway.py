"""VPCs at a transit gateway, tried with real packets: what must pass, and all that must not."""

import errno
import socket
import struct

import pytest
from tests.packet.lab import Lab
from tests.packet.transit import TGW, attach, check, propagate, static
from tests.packet.world_data import BORN, Cloud

from seawall.compile.network.compile_network import compile_network
from seawall.model.vpc import Ipv6CidrAssociation
from seawall.model.vpc_peering_connection import VpcPeeringConnection

pytestmark = pytest.mark.world

CLIENT = "203.0.113.10"
IP_MTU = 14
IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2
IPV6_MTU, IPV6_DONTFRAG = 24, 62
IPPROTO_TCP, TCP_MAXSEG = 6, 2


def test_every_attached_vpc_reaches_every_other(hub: Lab) -> None:
    check(
        hub,
        {
            (f"task-{one}1", f"10.{number}.1.20", 80): True
            for one in "abc"
            for number, other in enumerate("abc")
            if one != other
        },
    )
    hub.connect("task-a1", "10.1.1.20", 80)
    addresses = set()
    for _ in range(3):
        addresses.add(hub.accept(hub.servers["task-b1", 80])[1])
    assert addresses == {"10.0.1.20", "10.2.1.20"}


def test_nothing_is_settled_twice(hub: Lab) -> None:
    assert hub.rest(hub.settle()) == []


def test_the_vpcs_own_routes_decide_first(hub: Lab) -> None:
    known = hub.cloud.resources["rtb-b-main"]
    hub.cloud.change("rtb-b-main", routes=tuple(r for r in known.routes if r.target_kind == "local"))
    hub.settle()
    check(
        hub,
        {
            ("task-b1", "10.0.1.20", 80): False,
            ("task-a1", "10.1.1.20", 80): False,  # no way back
            ("task-a1", "10.2.1.20", 80): True,
        },
    )


def test_an_attachment_without_a_table_leads_nowhere(hub: Lab) -> None:
    hub.cloud.change("tgw-attach-a", route_table_id=None)
    hub.settle()
    check(
        hub,
        {
            ("task-a1", "10.1.1.20", 80): False,
            ("task-b1", "10.0.1.20", 80): False,  # arrives, and the answer ends at the gateway
            ("task-b1", "10.2.1.20", 80): True,
        },
    )


def test_a_disassociating_one_has_no_table_any_more(hub: Lab) -> None:
    hub.cloud.change("tgw-attach-a", association_state="disassociating")
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): False, ("task-b1", "10.2.1.20", 80): True})


def test_what_is_not_propagated_is_not_reached(hub: Lab) -> None:
    hub.cloud.change("tgw-rtb-main", propagations=("tgw-attach-a", "tgw-attach-b"))
    hub.settle()
    check(
        hub,
        {
            ("task-a1", "10.1.1.20", 80): True,
            ("task-a1", "10.2.1.20", 80): False,
            ("task-c1", "10.0.1.20", 80): False,  # no way back to c
        },
    )


def test_isolated_spokes_reach_the_shared_vpc_only(hub: Lab) -> None:
    """a and b are associated with a table that knows c alone; c with one that knows both."""
    cloud = hub.cloud
    cloud.change("tgw-rtb-main", propagations=("tgw-attach-c",))
    propagate(cloud, "tgw-attach-a", "tgw-attach-b", table="tgw-rtb-other")
    cloud.change("tgw-attach-c", route_table_id="tgw-rtb-other")
    hub.settle()
    check(
        hub,
        {
            ("task-a1", "10.2.1.20", 80): True,
            ("task-b1", "10.2.1.20", 80): True,
            ("task-c1", "10.0.1.20", 80): True,
            ("task-c1", "10.1.1.20", 80): True,
            ("task-a1", "10.1.1.20", 80): False,
            ("task-b1", "10.0.1.20", 80): False,
        },
    )


def test_a_static_route_beats_an_equal_propagated_one(hub: Lab) -> None:
    """The static route sends b's block to c, where nobody has these addresses."""
    static(hub.cloud, "10.1.0.0/16", "tgw-attach-c")
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): False, ("task-a1", "10.2.1.20", 80): True})


def test_the_longest_prefix_wins_and_a_blackhole_swallows(hub: Lab) -> None:
    subnet = hub.cloud.subnet("vpc-b", "two", "10.1.2.0/24")
    hub.cloud.task("b2", subnet, "10.1.2.20", "sg-b-all")
    static(hub.cloud, "10.1.2.0/24", None)
    hub.settle()
    hub.listen("task-b2", 80)
    check(
        hub,
        {
            ("task-a1", "10.1.2.20", 80): False,
            ("task-a1", "10.1.1.20", 80): True,
            ("task-b2", "10.1.1.20", 80): True,
        },
    )
    hub.cloud.change("tgw-rtb-main", routes=())
    hub.settle()
    check(hub, {("task-a1", "10.1.2.20", 80): True})


def test_a_static_route_to_a_deleted_attachment_is_a_blackhole(hub: Lab) -> None:
    static(hub.cloud, "10.1.0.0/16", "tgw-attach-b")
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): True})
    hub.cloud.change("tgw-attach-b", state="deleting")
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): False, ("task-b1", "10.0.1.20", 80): False})


def test_a_zone_without_an_attached_subnet_does_not_reach_the_gateway(hub: Lab) -> None:
    cloud = hub.cloud
    zone = {"availability_zone": "us-east-1b", "availability_zone_id": "use1-az2"}
    subnet = cloud.subnet("vpc-b", "two", "10.1.2.0/24", **zone)
    cloud.task("b2", subnet, "10.1.2.20", "sg-b-all")
    hub.settle()
    hub.listen("task-b2", 80)
    check(
        hub,
        {
            ("task-b2", "10.0.1.20", 80): False,
            ("task-a1", "10.1.2.20", 80): False,  # it arrives; the answer does not leave
            ("task-b2", "10.1.1.20", 80): True,
            ("task-b1", "10.0.1.20", 80): True,
        },
    )
    cloud.drop("eni-bt0")
    attach(cloud, "b", "subnet-b-one", subnet)
    hub.settle()
    check(hub, {("task-b2", "10.0.1.20", 80): True, ("task-a1", "10.1.2.20", 80): True})


@pytest.mark.parametrize("appliance_mode", [False, True])
def test_packets_keep_to_their_zone_but_in_appliance_mode(hub: Lab, appliance_mode: bool) -> None:
    """Where b's interface of a zone has a table of its own, one can see which one a packet came through."""
    cloud = hub.cloud
    zone = {"availability_zone": "us-east-1b", "availability_zone_id": "use1-az2"}
    for name, number in (("a", 0), ("b", 1)):
        subnet = cloud.subnet(f"vpc-{name}", "two", f"10.{number}.2.0/24", **zone)
        cloud.drop(f"eni-{name}t0")
        attach(cloud, name, f"subnet-{name}-one", subnet, appliance_mode=appliance_mode and name == "b")
    cloud.task("a2", "subnet-a-two", "10.0.2.20", "sg-a-all")
    # What reaches b's second zone for 10.9.0.0/16 goes on to b1, what reaches its first one goes nowhere.
    cloud.change("eni-b1", source_dest_check=False)
    cloud.table("vpc-b", "two", subnets=("subnet-b-two",))
    cloud.route("rtb-b-two", "10.9.0.0/16", network_interface="eni-b1")
    static(cloud, "10.9.0.0/16", "tgw-attach-b")
    hub.settle()
    catcher = hub.namespaces.socket_in("task-b1", socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    with catcher:
        catcher.settimeout(0.4)
        for task in ("task-a1", "task-a2"):
            hub.receive(task, 4000).sendto(b"zone", ("10.9.0.1", 4000))
        heard = set()
        try:
            while True:
                packet = catcher.recv(2000)
                if packet[16:20] == socket.inet_aton("10.9.0.1"):
                    heard.add(socket.inet_ntoa(packet[12:16]))
        except TimeoutError:
            pass
    assert heard == (set() if appliance_mode else {"10.0.2.20"})


def test_overlapping_vpcs_do_not_meet_and_the_first_one_answers(hub: Lab) -> None:
    """d has b's block.  It is not propagated, and hears nothing of what is meant for b."""
    cloud = hub.cloud
    vpc = cloud.vpc("d", "10.1.0.0/16")
    subnet = cloud.subnet(vpc, "one", "10.1.1.0/24")
    cloud.task("d1", subnet, "10.1.1.20", cloud.group(vpc, "all", "-1 0.0.0.0/0"))
    cloud.route("rtb-d-main", "10.0.0.0/8", transit_gateway=TGW)
    propagate(cloud, attach(cloud, "d", subnet))
    hub.settle()
    (server,) = hub.listen("task-d1", 80)
    check(hub, {("task-a1", "10.1.1.20", 80): True, ("task-d1", "10.0.1.20", 80): False})
    server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        server.accept()


def test_group_references_do_not_reach_over(hub: Lab) -> None:
    hub.cloud.group("vpc-b", "web", "tcp:80 sg-a-all")
    hub.cloud.change("eni-b1", group_ids=("sg-b-web",))
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): False})
    hub.cloud.rule("sg-b-web", "block", "tcp:80 10.0.1.0/24")
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): True, ("task-c1", "10.1.1.20", 80): False})


def peer_a_and_b(cloud: Cloud) -> None:
    cloud.put(
        VpcPeeringConnection(
            id="pcx-ab",
            requester_vpc_id="vpc-a",
            accepter_vpc_id="vpc-b",
            status="active",
            status_message="Active",
            create_time=BORN,
        )
    )


def test_who_claims_an_address_of_another_vpc_is_not_heard_over_a_peering(hub: Lab) -> None:
    """b1 may send from any address, and a would answer c over the gateway; the peering lets b's blocks in."""
    peer_a_and_b(hub.cloud)
    hub.cloud.change("eni-b1", source_dest_check=False)
    hub.cloud.route("rtb-b-main", "10.0.0.0/16", vpc_peering_connection="pcx-ab")
    hub.settle()
    receiver = hub.receive("task-a1", 4000)
    device = hub.namespaces.socket_in("task-b1", socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    with device:
        mac = next(
            neighbour.mac
            for link in compile_network(hub.cloud.snapshot()).links
            if link.origin == "eni-b1" and link.host.name == "eth1"
            for neighbour in link.host.neighbours
        )
        to = ("eth1", 0x0800, 0, 0, bytes.fromhex(mac.replace(":", "")))
        for source, heard in (("10.1.1.20", True), ("10.2.1.20", False), ("10.1.7.7", True)):
            device.sendto(_udp(source, "10.0.1.20", 4000), to)
            assert (hub.heard(receiver) is not None) is heard, source


def _udp(source: str, target: str, port: int) -> bytes:
    """A whole IPv4 packet, without a UDP checksum."""
    payload = b"claim"
    udp = struct.pack(">HHHH", 999, port, 8 + len(payload), 0) + payload
    length = 20 + len(udp)
    head = struct.pack(">BBHHHBBH", 0x45, 0, length, 0, 0, 64, 17, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack(">H", checksum) + head[12:] + udp


def test_nobody_reaches_a_peer_of_an_attached_vpc_through_it(hub: Lab) -> None:
    """a leaves the gateway and is b's peer: c cannot use b as a way to a."""
    cloud = hub.cloud
    peer_a_and_b(cloud)
    cloud.drop("tgw-attach-a")
    cloud.drop("eni-at0")
    cloud.change("tgw-rtb-main", propagations=("tgw-attach-b", "tgw-attach-c"))
    for block in ("10.1.0.0/16", "10.2.0.0/16"):
        cloud.route("rtb-a-main", block, vpc_peering_connection="pcx-ab")
    cloud.route("rtb-b-main", "10.0.0.0/16", vpc_peering_connection="pcx-ab")
    static(cloud, "10.0.0.0/16", "tgw-attach-b")
    hub.settle()
    check(
        hub,
        {
            ("task-a1", "10.1.1.20", 80): True,
            ("task-b1", "10.0.1.20", 80): True,
            ("task-c1", "10.1.1.20", 80): True,
            ("task-c1", "10.0.1.20", 80): False,
            ("task-a1", "10.2.1.20", 80): False,
        },
    )


def test_a_flow_may_go_by_the_peering_and_come_back_by_the_gateway(hub: Lab) -> None:
    cloud = hub.cloud
    peer_a_and_b(cloud)
    cloud.route("rtb-a-main", "10.1.0.0/16", vpc_peering_connection="pcx-ab")
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): True, ("task-b1", "10.0.1.20", 80): True})


def test_a_gateway_that_is_gone_carries_nothing(hub: Lab) -> None:
    hub.cloud.change(TGW, state="deleted")
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): False, ("task-c1", "10.1.1.20", 80): False})
    assert TGW not in hub.namespaces.names()


def test_its_largest_packet_has_8500_bytes_and_senders_are_told(hub: Lab) -> None:
    sender, receiver = hub.receive("task-a1", 4000), hub.receive("task-b1", 4000)
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    sender.connect(("10.1.1.20", 4000))
    sender.send(b"x" * (8500 - 28))
    heard = hub.heard(receiver)
    assert heard is not None
    assert len(heard[0]) == 8500 - 28
    sender.send(b"x" * (8501 - 28))
    assert hub.heard(receiver) is None
    with pytest.raises(OSError, match=f"Errno {errno.EMSGSIZE}"):
        sender.send(b"x" * (8501 - 28))
    assert sender.getsockopt(socket.IPPROTO_IP, IP_MTU) == 8500


def test_fragments_arrive_as_one_datagram(hub: Lab) -> None:
    sender, receiver = hub.receive("task-a1", 4000), hub.receive("task-b1", 4000)
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    sender.sendto(bytes(range(256)) * 100, ("10.1.1.20", 4000))
    heard = hub.heard(receiver)
    assert heard is not None
    assert heard[0] == bytes(range(256)) * 100


def test_segments_are_clamped_to_it(hub: Lab) -> None:
    flow = hub.connect("task-a1", "10.1.1.20", 80)
    server, _ = hub.accept(hub.servers["task-b1", 80])
    for end in (flow, server):
        assert end.getsockopt(IPPROTO_TCP, TCP_MAXSEG) <= 8500 - 40
    within = hub.connect("task-b1", "10.1.1.20", 80)
    assert within.getsockopt(IPPROTO_TCP, TCP_MAXSEG) > 8500


EVERYTHING = ("in 100 allow -1 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0")


@pytest.mark.parametrize(
    ("entry", "inward", "outward"),
    [
        ("out 90 deny tcp:80 10.1.1.0/24", False, True),  # from the gateway to the task
        ("out 90 deny tcp:80 10.0.0.0/16", True, True),  # what leaves the VPC is no matter of the gateway's
        ("in 90 deny tcp:80 10.1.1.0/24", True, False),  # from the task to the gateway
        ("in 90 deny tcp:80 10.0.0.0/16", True, True),  # what comes into the VPC is not, either
    ],
)
def test_the_acl_of_a_subnet_of_its_own(hub: Lab, entry: str, inward: bool, outward: bool) -> None:
    """The attachment's interface is in b's subnet two, with this ACL; b1 is in subnet one."""
    cloud = hub.cloud
    subnet = cloud.subnet("vpc-b", "two", "10.1.2.0/24")
    cloud.drop("eni-bt0")
    attach(cloud, "b", subnet)
    cloud.acl("vpc-b", "two", entry, *EVERYTHING, subnets=(subnet,))
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): inward, ("task-b1", "10.0.1.20", 80): outward})


@pytest.mark.parametrize(
    ("entry", "inward", "outward"),
    [
        ("out 90 deny tcp:80 10.0.0.0/16", True, False),
        ("out 90 deny tcp:80 10.1.1.0/24", True, True),
        ("in 90 deny tcp:80 10.1.1.0/24", True, False),
        ("in 90 deny tcp:80 10.0.0.0/16", True, True),
    ],
)
def test_the_acl_of_a_subnet_that_tasks_share_with_it(
    hub: Lab, entry: str, inward: bool, outward: bool
) -> None:
    """What goes to the gateway is judged, by destination out and by source in; what it sends is not."""
    hub.cloud.acl("vpc-b", "one", entry, *EVERYTHING, subnets=("subnet-b-one",))
    hub.settle()
    check(hub, {("task-a1", "10.1.1.20", 80): inward, ("task-b1", "10.0.1.20", 80): outward})


def test_ipv6_is_routed_by_the_same_tables(hub: Lab) -> None:
    cloud = hub.cloud
    for number, name in enumerate("abc"):
        block = f"2001:db8:100{number}::/56"
        given = Ipv6CidrAssociation(association_id=f"vpc-cidr-assoc-6{name}", ipv6_cidr_block=block)
        cloud.change(f"vpc-{name}", ipv6_cidr_blocks=(given,))
        cloud.change(f"subnet-{name}-one", ipv6_cidr_block=f"2001:db8:100{number}:1::/64")
        cloud.rule(f"sg-{name}-all", "in6", "-1 ::/0")
        cloud.rule(f"sg-{name}-all", "out6", "-1 ::/0", is_egress=True)
        cloud.change(f"eni-{name}1", ipv6_addresses=(f"2001:db8:100{number}:1::20",))
        cloud.route(f"rtb-{name}-main", "2001:db8:1000::/36", transit_gateway=TGW)
        cloud.change(f"tgw-attach-{name}", ipv6_support=name != "c")
    hub.settle()
    sockets = [_listen6(hub, f"task-{name}1") for name in "abc"]
    assert _connects6(hub, "task-a1", "2001:db8:1001:1::20")
    assert _connects6(hub, "task-b1", "2001:db8:1000:1::20")
    assert not _connects6(hub, "task-a1", "2001:db8:1002:1::20")  # not propagated
    static(cloud, "2001:db8:1002::/56", "tgw-attach-c")
    hub.settle()
    assert _connects6(hub, "task-a1", "2001:db8:1002:1::20")
    assert hub.reachable(("task-a1", "10.1.1.20", 80)) == [True]
    with hub.namespaces.socket_in("task-a1", socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
        sender.connect(("2001:db8:1001:1::20", 4000))
        sender.send(b"x" * (8501 - 48))
        _told(sender)
        assert sender.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU) == 8500
    for sock in sockets:
        sock.close()


def _told(sender: socket.socket) -> None:
    """Wait for the router's word that the last packet was too big."""
    sender.settimeout(2)
    with pytest.raises(OSError, match="Errno"):
        sender.recv(1)


def _listen6(lab: Lab, namespace: str) -> socket.socket:
    sock = lab.namespaces.socket_in(namespace, socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("::", 70))
    sock.listen(8)
    return sock


def _connects6(lab: Lab, source: str, target: str) -> bool:
    with lab.namespaces.socket_in(source, socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.4)
        return sock.connect_ex((target, 70)) == 0
