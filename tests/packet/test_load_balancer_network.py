"""Nodes of network load balancers tried with real packets: spreading, whose address is seen, what ends."""

import socket
from collections import Counter

import pytest
from msgspec.structs import replace
from tests.packet.balancers import balancer, listener, target, target_group
from tests.packet.lab import Lab
from tests.packet.test_nat_gateway import flush

pytestmark = pytest.mark.world

PUBLIC, CLIENT = "198.18.0.20", "203.0.113.10"
NODE, GROUP = "eni-web-0", "app/0"
ONE, TWO = "10.0.1.21", "10.0.1.22"


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """An internet-facing load balancer without groups, two healthy targets in a subnet without a way out."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.group(a, "app", "tcp:8080 0.0.0.0/0", "udp:53 0.0.0.0/0")
    cloud.group(a, "client", "-1 0.0.0.0/0")
    web = balancer(cloud, "web", (public, "10.0.0.20"), kind="net", public=(PUBLIC,))
    listener(cloud, web, "TCP", 80, target_group(cloud, "app", "TCP", 8080))
    for name, address in (("one", ONE), ("two", TWO)):
        cloud.task(name, private, address, "sg-a-app")
        target(cloud, GROUP, address, 8080, NODE)
    cloud.task("client", public, "10.0.0.30", "sg-a-client")
    lab.settle()
    for name in ("one", "two"):
        lab.listen(f"task-{name}", 8080)
    return lab


def preserve(lab: Lab, group: str = GROUP) -> None:
    lab.cloud.change(group, attributes={"preserve_client_ip.enabled": "true"})
    lab.settle()


def taken(lab: Lab, port: int = 8080) -> list[tuple[str, str]]:
    """Who took the connections that wait, and the address each came from."""
    found = []
    for name in ("one", "two"):
        server = lab.servers[f"task-{name}", port]
        server.setblocking(False)
        while True:
            try:
                sock, (address, _) = server.accept()
            except BlockingIOError:
                break
            lab.keep(sock)
            found.append((name, address))
    return found


def test_flows_are_spread_over_healthy_targets(vpc: Lab) -> None:
    assert all(vpc.reachable(*[("internet", PUBLIC, 80)] * 60))
    counts = Counter(name for name, _ in taken(vpc))
    assert min(counts["one"], counts["two"]) >= 15
    assert sum(counts.values()) == 60


def test_targets_see_the_node_unless_clients_keep_their_addresses(vpc: Lab) -> None:
    probes = [("internet", PUBLIC, 80), ("task-client", "10.0.0.20", 80)]
    assert vpc.reachable(*probes) == [True, True]
    assert {address for _, address in taken(vpc)} == {"10.0.0.20"}
    preserve(vpc)
    assert vpc.reachable(*probes) == [True, True]
    assert {address for _, address in taken(vpc)} == {CLIENT, "10.0.0.30"}


def test_data_go_both_ways_under_the_clients_address(vpc: Lab) -> None:
    preserve(vpc)
    vpc.cloud.drop(f"{GROUP}|{TWO}|8080")
    vpc.settle()
    for place, address in (("internet", PUBLIC), ("task-client", "10.0.0.20")):
        mine = vpc.connect(place, address, 80)
        theirs, _ = vpc.accept(vpc.servers["task-one", 8080])
        mine.sendall(b"x" * 100_000)
        assert received(theirs, 100_000) == 100_000
        theirs.sendall(b"answer")
        assert mine.recv(100) == b"answer"


def received(sock: socket.socket, wanted: int) -> int:
    """How much came, at most as much as is wanted."""
    count = 0
    while count < wanted and (data := sock.recv(65536)):
        count += len(data)
    return count


@pytest.mark.parametrize("preserving", [False, True])
def test_the_targets_group_judges_whose_address_it_sees(vpc: Lab, preserving: bool) -> None:
    """The node's address is let in, then the client's alone."""
    if preserving:
        preserve(vpc)
    vpc.cloud.drop("sgr-a-app-in0")
    vpc.settle()
    probe = ("internet", PUBLIC, 80)
    assert vpc.outcomes(probe) == ["silence"]
    vpc.cloud.rule("sg-a-app", "in8", "tcp:8080 10.0.0.20/32")
    vpc.settle()
    assert vpc.reachable(probe) == [not preserving]
    vpc.cloud.drop("sgr-a-app-in8")
    vpc.cloud.rule("sg-a-app", "in9", f"tcp:8080 {CLIENT}/32")
    vpc.settle()
    assert vpc.reachable(probe) == [preserving]


@pytest.mark.parametrize("preserving", [False, True])
def test_rules_of_targets_may_name_the_balancers_group(vpc: Lab, preserving: bool) -> None:
    cloud = vpc.cloud
    cloud.group("vpc-a", "lb", "tcp:80 0.0.0.0/0")
    cloud.change(NODE, group_ids=("sg-a-lb",))
    cloud.drop("sgr-a-app-in0")
    if preserving:
        preserve(vpc)
    vpc.settle()
    probes = [("internet", PUBLIC, 80), ("task-client", "10.0.0.20", 80), ("task-client", ONE, 8080)]
    assert vpc.reachable(*probes) == [False] * 3
    cloud.rule("sg-a-app", "in9", "tcp:8080 sg-a-lb")
    vpc.settle()
    assert vpc.reachable(*probes) == [True, True, False]
    cloud.drop("sgr-a-app-in9")
    cloud.rule("sg-a-app", "in9", "tcp:8080 sg-a-client")
    vpc.settle()
    assert vpc.reachable(*probes) == [False, preserving, True]


def test_the_balancers_own_group_decides_who_may_come(vpc: Lab) -> None:
    vpc.cloud.group("vpc-a", "lb", "tcp:80 10.0.0.30/32")
    vpc.cloud.change(NODE, group_ids=("sg-a-lb",))
    vpc.settle()
    probes = [("internet", PUBLIC, 80), ("task-client", "10.0.0.20", 80)]
    assert vpc.reachable(*probes) == [False, True]


def test_acls_are_asked_for_both_legs(vpc: Lab) -> None:
    preserve(vpc)
    everything = ("in 100 allow -1 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0")
    vpc.cloud.acl("vpc-a", "priv", f"in 90 deny -1 {CLIENT}/32", *everything, subnets=("subnet-a-priv",))
    vpc.settle()
    probes = [("internet", PUBLIC, 80), ("task-client", "10.0.0.20", 80)]
    assert vpc.reachable(*probes) == [False, True]
    vpc.cloud.acl("vpc-a", "priv", f"out 90 deny -1 {CLIENT}/32", *everything, subnets=("subnet-a-priv",))
    vpc.settle()
    assert vpc.reachable(*probes) == [False, True]


def test_a_target_does_not_reach_itself_under_its_own_address(vpc: Lab) -> None:
    vpc.cloud.drop(f"{GROUP}|{TWO}|8080")
    vpc.settle()
    assert vpc.reachable(("task-one", "10.0.0.20", 80)) == [True]
    preserve(vpc)
    assert vpc.reachable(("task-one", "10.0.0.20", 80), ("task-two", "10.0.0.20", 80)) == [False, True]


def test_without_a_healthy_target_all_get_flows(vpc: Lab) -> None:
    unhealthy(vpc, ONE)
    assert all(vpc.reachable(*[("internet", PUBLIC, 80)] * 20))
    assert {name for name, _ in taken(vpc)} == {"two"}
    unhealthy(vpc, TWO)
    assert all(vpc.reachable(*[("internet", PUBLIC, 80)] * 40))
    assert {name for name, _ in taken(vpc)} == {"one", "two"}


def unhealthy(lab: Lab, address: str) -> None:
    lab.cloud.change(f"{GROUP}|{address}|8080", state="unhealthy", load_balancer_nodes={NODE: "unhealthy"})
    lab.settle()


def test_without_targets_nothing_answers(vpc: Lab) -> None:
    for address in (ONE, TWO):
        vpc.cloud.drop(f"{GROUP}|{address}|8080")
    vpc.settle()
    assert vpc.outcomes(("internet", PUBLIC, 80), ("internet", PUBLIC, 81)) == ["silence"] * 2


@pytest.mark.parametrize("preserving", [False, True])
def test_flows_go_on_while_their_target_drains(vpc: Lab, preserving: bool) -> None:
    if preserving:
        preserve(vpc)
    vpc.cloud.drop(f"{GROUP}|{TWO}|8080")
    vpc.settle()
    mine = vpc.connect("internet", PUBLIC, 80)
    theirs, _ = vpc.accept(vpc.servers["task-one", 8080])
    target(vpc.cloud, GROUP, TWO, 8080, NODE)
    drained = vpc.cloud.resources[f"{GROUP}|{TWO}|8080"].registered_at
    vpc.cloud.change(f"{GROUP}|{ONE}|8080", state="draining", draining_until=drained)
    vpc.settle()
    assert all(vpc.reachable(*[("internet", PUBLIC, 80)] * 20))
    assert {name for name, _ in taken(vpc)} == {"two"}
    vpc.cloud.drop(f"{GROUP}|{ONE}|8080")
    vpc.settle()
    mine.sendall(b"still here")
    assert theirs.recv(100) == b"still here"
    theirs.sendall(b"me too")
    assert mine.recv(100) == b"me too"


def test_flows_end_with_their_target_where_that_is_wanted(vpc: Lab) -> None:
    vpc.cloud.change(GROUP, attributes={"deregistration_delay.connection_termination.enabled": "true"})
    vpc.settle()
    mine = vpc.connect("internet", PUBLIC, 80)
    target_of = taken(vpc)[0][0]
    vpc.cloud.drop(f"{GROUP}|{ONE if target_of == 'one' else TWO}|8080")
    vpc.settle()
    mine.sendall(b"anybody there?")
    with pytest.raises(ConnectionResetError):
        mine.recv(1)
    assert vpc.reachable(("internet", PUBLIC, 80)) == [True]


def test_flows_to_an_unhealthy_target_end_where_that_is_wanted(vpc: Lab) -> None:
    key = "target_health_state.unhealthy.connection_termination.enabled"
    vpc.cloud.change(GROUP, attributes={key: "true"})
    vpc.cloud.drop(f"{GROUP}|{TWO}|8080")
    vpc.settle()
    mine = vpc.connect("internet", PUBLIC, 80)
    theirs, _ = vpc.accept(vpc.servers["task-one", 8080])
    target(vpc.cloud, GROUP, TWO, 8080, NODE)
    unhealthy(vpc, ONE)
    mine.sendall(b"anybody there?")
    with pytest.raises(ConnectionResetError):
        mine.recv(1)
    theirs.sendall(b"and you?")
    with pytest.raises(ConnectionResetError):
        theirs.recv(1)


def test_what_is_forgotten_is_reset_when_it_speaks_again(vpc: Lab) -> None:
    mine = vpc.connect("internet", PUBLIC, 80)
    flush(vpc, NODE)  # as 350 idle seconds do
    mine.sendall(b"anybody there?")
    with pytest.raises(ConnectionResetError):
        mine.recv(1)


def test_a_listener_has_its_own_idle_time(vpc: Lab) -> None:
    vpc.cloud.change("net/web/0/80TCP", attributes={"tcp.idle_timeout.seconds": "60"})
    listener(vpc.cloud, "net/web/0", "TCP", 81, GROUP)
    vpc.settle()
    vpc.connect("internet", PUBLIC, 80)
    vpc.connect("internet", PUBLIC, 81)
    times = {entry[0]: int(entry[1]) for entry in tracked(vpc)}
    assert 50 <= times["80"] <= 60
    assert 340 <= times["81"] <= 350


def tracked(lab: Lab) -> list[tuple[str, str]]:
    """(destination port, seconds left) of the node's connections."""
    with lab.namespaces.inside(NODE), open("/proc/net/nf_conntrack") as table:
        words = [line.split() for line in table]
    return [(next(w[6:] for w in line if w.startswith("dport=")), line[4]) for line in words]


def test_a_client_stays_with_its_target_where_that_is_wanted(vpc: Lab) -> None:
    vpc.cloud.change(GROUP, attributes={"stickiness.enabled": "true"})
    vpc.settle()
    assert all(vpc.reachable(*[("internet", PUBLIC, 80)] * 30))
    assert len({name for name, _ in taken(vpc)}) == 1


def test_datagrams_keep_their_clients_addresses_and_their_targets(vpc: Lab) -> None:
    cloud = vpc.cloud
    listener(cloud, "net/web/0", "UDP", 5353, target_group(cloud, "dns", "UDP", 53))
    for address in (ONE, TWO):
        target(cloud, "dns/0", address, 53, NODE)
    vpc.settle()
    servers = {name: vpc.receive(f"task-{name}", 53) for name in ("one", "two")}
    seen = set()
    for _ in range(20):
        mine = vpc.socket_in("internet", socket.SOCK_DGRAM)
        mine.sendto(b"?", (PUBLIC, 5353))
        (name, (data, source)) = next(
            (name, heard) for name, server in servers.items() if (heard := quickly(server)) is not None
        )
        assert (data, source[0]) == (b"?", CLIENT)
        seen.add(name)
        servers[name].sendto(b"!", source)
        assert vpc.heard(mine) == (b"!", (PUBLIC, 5353))
        mine.sendto(b"again", (PUBLIC, 5353))
        assert vpc.heard(servers[name]) == (b"again", source)
    assert seen == {"one", "two"}


def quickly(sock: socket.socket) -> tuple[bytes, tuple[str, int]] | None:
    sock.settimeout(0.05)
    try:
        return sock.recvfrom(100)
    except TimeoutError:
        return None


def test_a_listener_may_be_for_both_protocols(vpc: Lab) -> None:
    cloud = vpc.cloud
    listener(cloud, "net/web/0", "TCP_UDP", 53, target_group(cloud, "dns", "TCP_UDP", 53))
    cloud.rule("sg-a-app", "in5", "tcp:53 0.0.0.0/0")
    target(cloud, "dns/0", ONE, 53, NODE)
    vpc.settle()
    vpc.listen("task-one", 53)
    server = vpc.receive("task-one", 53)
    assert vpc.reachable(("internet", PUBLIC, 53)) == [True]
    mine = vpc.socket_in("internet", socket.SOCK_DGRAM)
    mine.sendto(b"?", (PUBLIC, 53))
    heard = vpc.heard(server)
    assert heard is not None and heard[1][0] == CLIENT


def test_a_node_keeps_to_its_zone_unless_it_may_cross(vpc: Lab) -> None:
    vpc.cloud.change(f"{GROUP}|{ONE}|8080", availability_zone="us-east-1b")
    vpc.settle()
    assert all(vpc.reachable(*[("internet", PUBLIC, 80)] * 20))
    assert {name for name, _ in taken(vpc)} == {"two"}
    node = vpc.cloud.resources["net/web/0"].nodes[0]
    other = replace(node, availability_zone="us-east-1b", network_interface_id="eni-other")
    vpc.cloud.change(
        "net/web/0", nodes=(node, other), attributes={"load_balancing.cross_zone.enabled": "true"}
    )
    vpc.settle()
    assert all(vpc.reachable(*[("internet", PUBLIC, 80)] * 40))
    assert {name for name, _ in taken(vpc)} == {"one", "two"}


def test_an_engine_listens_where_one_is_needed(vpc: Lab) -> None:
    listener(vpc.cloud, "net/web/0", "TLS", 443, GROUP)
    vpc.settle()
    vpc.listen(NODE, 443, 80, 9000)
    probes = [("internet", PUBLIC, port) for port in (443, 80, 9000)]
    assert vpc.outcomes(*probes) == ["connected", "connected", "silence"]
    assert len(taken(vpc)) == 1  # port 80 never was the engine's


def test_a_node_asks_its_targets(vpc: Lab) -> None:
    preserve(vpc)
    assert vpc.reachable((NODE, ONE, 8080)) == [True]
    assert taken(vpc) == [("one", "10.0.0.20")]


def test_no_more_connections_to_one_target_than_an_address_has(
    vpc: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.compile.network.network_balancer.CONNECTIONS_PER_TARGET", 5)
    vpc.cloud.drop(f"{GROUP}|{TWO}|8080")
    vpc.settle()
    held = [vpc.connect("internet", PUBLIC, 80) for _ in range(5)]
    assert vpc.outcomes(("internet", PUBLIC, 80)) == ["silence"]
    assert all(sock.fileno() >= 0 for sock in held)


def test_two_vpcs_with_the_same_blocks_do_not_meet(vpc: Lab) -> None:
    cloud = vpc.cloud
    b = cloud.vpc("b")
    public, private = cloud.subnet(b, "pub", "10.0.0.0/24"), cloud.subnet(b, "priv", "10.0.1.0/24")
    cloud.table(b, "pub", subnets=(public,), internet_gateway="igw-b")
    cloud.group(b, "app", "tcp:8080 0.0.0.0/0")
    web = balancer(cloud, "other", (public, "10.0.0.20"), kind="net", public=("198.18.0.21",))
    group = target_group(cloud, "theirs", "TCP", 8080, preserve_client_ip__enabled="true")
    listener(cloud, web, "TCP", 80, group)
    cloud.task("theirs", private, ONE, "sg-b-app")
    target(cloud, group, ONE, 8080, "eni-other-0")
    preserve(vpc)
    vpc.listen("task-theirs", 8080)
    assert vpc.reachable(("internet", "198.18.0.21", 80)) == [True]
    assert vpc.accept(vpc.servers["task-theirs", 8080])[1] == CLIENT
    assert taken(vpc) == []
    assert vpc.reachable(("internet", PUBLIC, 80)) == [True]
    assert len(taken(vpc)) == 1
