"""What passes between interfaces, and to and from the internet, tried with real packets."""

import errno
import socket
import subprocess

import pytest
from tests.packet.lab import Lab, raw_udp

pytestmark = pytest.mark.world

CLIENT = "203.0.113.10"
IP_MTU = 14
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """web (10.0.0.20, public), app (10.0.1.20, private), db (10.0.1.30, private; only app may reach it)."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.group(a, "web", "tcp:80 0.0.0.0/0", "tcp:9000 sg-a-web")
    cloud.group(a, "app", "tcp:8000-8010 sg-a-web", "udp:53-54 10.0.0.0/16")
    cloud.group(a, "db", "tcp:5432 sg-a-app")
    nat = cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(a, "priv", subnets=(private,), nat_gateway=nat)
    cloud.task("web", public, "10.0.0.20", "sg-a-web", public="198.18.0.20")
    cloud.task("web2", public, "10.0.0.21", "sg-a-web")
    cloud.task("app", private, "10.0.1.20", "sg-a-app")
    cloud.task("db", private, "10.0.1.30", "sg-a-db")
    lab.settle()
    for task, ports in (("web", (80, 9000, 81)), ("web2", (80, 9000)), ("app", (8000, 8010, 8011, 80))):
        lab.listen(f"task-{task}", *ports)
    lab.listen("task-db", 5432, 5433)
    return lab


def test_groups_decide_about_every_pair(vpc: Lab) -> None:
    expected = {
        ("task-web", "10.0.0.21", 80): True,  # same subnet
        ("task-web", "10.0.0.21", 9000): True,  # self reference
        ("task-app", "10.0.0.20", 80): True,  # across subnets
        ("task-app", "10.0.0.20", 9000): False,
        ("task-app", "10.0.0.20", 81): False,
        ("task-web", "10.0.1.20", 8000): True,  # port range, by group
        ("task-web", "10.0.1.20", 8010): True,
        ("task-web", "10.0.1.20", 8011): False,
        ("task-db", "10.0.1.20", 8000): False,  # same subnet, wrong group
        ("task-app", "10.0.1.30", 5432): True,
        ("task-web", "10.0.1.30", 5432): False,
        ("task-app", "10.0.1.30", 5433): False,
    }
    assert dict(zip(expected, vpc.reachable(*expected), strict=True)) == expected


def test_an_egress_rule_is_asked_before_the_receivers(vpc: Lab) -> None:
    vpc.cloud.drop("sgr-a-web-out0")
    vpc.cloud.rule("sg-a-web", "out1", "tcp:80 sg-a-web", is_egress=True)
    vpc.settle()
    probes = [("task-web", "10.0.0.21", 80), ("task-web", "10.0.0.21", 9000), ("task-web", "10.0.1.20", 8000)]
    assert vpc.reachable(*probes) == [True, False, False]


def test_udp_is_stateful(vpc: Lab) -> None:
    server, client = vpc.receive("task-app", 53), vpc.receive("task-web", 4000)
    denied = vpc.receive("task-app", 55)
    client.sendto(b"ask", ("10.0.1.20", 53))
    client.sendto(b"no", ("10.0.1.20", 55))
    heard = vpc.heard(server)
    assert heard == (b"ask", ("10.0.0.20", 4000))
    server.sendto(b"answer", heard[1])
    assert vpc.heard(client) == (b"answer", ("10.0.1.20", 53))
    assert vpc.heard(denied) is None
    server.sendto(b"unasked", ("10.0.0.20", 4001))
    assert vpc.heard(vpc.receive("task-web", 4001)) is None


def test_a_revoked_rule_spares_tracked_flows_and_stops_new_ones(vpc: Lab) -> None:
    flow = vpc.connect("task-app", "10.0.1.30", 5432)
    peer, _ = vpc.accept(vpc.servers["task-db", 5432])
    vpc.cloud.drop("sgr-a-db-in0")
    vpc.settle()
    flow.sendall(b"still here")
    assert peer.recv(100) == b"still here"
    assert vpc.reachable(("task-app", "10.0.1.30", 5432)) == [False]


def test_public_inbound_is_the_groups_matter(vpc: Lab) -> None:
    probes = [("internet", "198.18.0.20", 80), ("internet", "198.18.0.20", 81), ("internet", "10.0.0.20", 80)]
    assert vpc.reachable(*probes) == [True, False, False]


def test_without_a_public_address_the_internet_gateway_drops(vpc: Lab) -> None:
    vpc.listen("internet", 80)
    assert vpc.outcomes(("task-web", CLIENT, 80), ("task-web2", CLIENT, 80)) == ["connected", "silence"]


def test_the_internet_sees_the_elastic_ip(vpc: Lab) -> None:
    (server,) = vpc.listen("internet", 80)
    for task, seen in (("task-web", "198.18.0.20"), ("task-app", "198.18.0.10")):
        vpc.connect(task, CLIENT, 80)
        assert vpc.accept(server)[1] == seen


def test_nothing_unsolicited_comes_through_the_nat_gateway(vpc: Lab) -> None:
    probes = [("internet", "198.18.0.10", port) for port in (80, 8000, 5432)]
    probes += [("task-web", "10.0.0.10", 80), ("task-web", "198.18.0.10", 80)]
    assert vpc.outcomes(*probes) == ["silence"] * 5


def test_a_public_address_works_from_inside_its_own_vpc(vpc: Lab) -> None:
    assert vpc.reachable(("task-app", "198.18.0.20", 80)) == [True]


def test_a_lost_public_address_ends_its_flows(vpc: Lab) -> None:
    (server,) = vpc.listen("internet", 80)
    flow = vpc.connect("task-web", CLIENT, 80)
    peer, _ = vpc.accept(server)
    vpc.cloud.change("eni-web", association=None)
    vpc.settle()
    flow.sendall(b"lost")
    peer.settimeout(0.4)
    with pytest.raises(TimeoutError):
        peer.recv(10)


def test_a_recycled_address_inherits_no_flows(vpc: Lab) -> None:
    client = vpc.receive("task-app", 4000)
    client.sendto(b"x", ("10.0.0.21", 7000))
    server = vpc.receive("task-web2", 7001)
    server.sendto(b"hello", ("10.0.1.20", 4000))  # refused: no rule
    assert vpc.heard(client) is None
    tracked = vpc.receive("task-web2", 7002)
    tracked.sendto(b"hello", ("10.0.1.20", 53))  # allowed: tracked both ways from now on
    vpc.cloud.drop("eni-web2")
    vpc.settle()
    vpc.cloud.task("next", "subnet-a-pub", "10.0.0.21", "sg-a-web")
    vpc.settle()
    victim = vpc.receive("task-next", 7002)
    vpc.receive("task-app", 53).sendto(b"for the dead", ("10.0.0.21", 7002))
    assert vpc.heard(victim) is None


def test_vpcs_with_equal_addresses_never_meet(vpc: Lab) -> None:
    cloud = vpc.cloud
    b = cloud.vpc("b")
    subnet = cloud.subnet(b, "pub", "10.0.0.0/24")
    cloud.group(b, "all", "-1 0.0.0.0/0")
    cloud.table(b, "pub", subnets=(subnet,), internet_gateway="igw-b")
    cloud.task("twin", subnet, "10.0.0.20", "sg-b-all", public="198.18.0.30")
    cloud.task("far", subnet, "10.0.0.99", "sg-b-all")
    vpc.settle()
    (twin,) = vpc.listen("task-twin", 80)
    vpc.connect("task-far", "10.0.0.20", 80)
    assert vpc.accept(twin)[1] == "10.0.0.99"
    probes = [("task-far", "10.0.0.21", 80), ("task-twin", "10.0.1.20", 8000), ("task-web", "10.0.0.99", 80)]
    assert vpc.outcomes(*probes) == ["silence"] * 3
    assert vpc.reachable(("task-web", "198.18.0.30", 80)) == [True]  # over the internet they may
    assert vpc.accept(twin)[1] == "198.18.0.20"


def test_a_packet_with_another_source_is_dropped(vpc: Lab) -> None:
    target = vpc.receive("task-app", 53)
    sock = vpc.socket_in("task-web", socket.SOCK_RAW, socket.IPPROTO_RAW)
    for source in ("10.0.0.21", "10.0.1.30", "198.18.0.20", "8.8.8.8", "169.254.172.9"):
        sock.sendto(raw_udp(source, "10.0.1.20", 53), ("10.0.1.20", 0))
    assert vpc.heard(target) is None
    sock.sendto(raw_udp("10.0.0.20", "10.0.1.20", 53), ("10.0.1.20", 0))
    assert vpc.heard(target) == (b"spoof", ("10.0.0.20", 12345))


def test_the_internet_cannot_pretend_to_be_inside(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-web", "in9", "udp:53 10.0.0.0/8")
    vpc.settle()
    target = vpc.receive("task-web", 53)
    sock = vpc.socket_in("internet", socket.SOCK_RAW, socket.IPPROTO_RAW)
    for source in ("10.0.0.21", "198.18.0.10", CLIENT):
        sock.sendto(raw_udp(source, "198.18.0.20", 53), ("198.18.0.20", 0))
    assert vpc.heard(target) is None


def test_tasks_do_not_meet_on_eth0(vpc: Lab) -> None:
    addresses = {}
    for link in vpc.settle().links:
        if link.host.name == "eth0" and link.router.namespace == "fargate":
            addresses[link.host.namespace] = link.host.addresses[0].split("/")[0]
    assert len(set(addresses.values())) == 4
    other = addresses["task-web2"]
    assert vpc.reachable(("task-web", other, 80)) == [False]
    (endpoint,) = vpc.listen("fargate", 80, address="169.254.170.2")
    vpc.connect("task-web", "169.254.170.2", 80)
    assert vpc.accept(endpoint)[1] == addresses["task-web"]


def test_a_tasks_root_cannot_change_its_network(vpc: Lab) -> None:
    user, net = vpc.namespaces.user_path("task-web"), vpc.namespaces.path("task-web")
    changes = ["ip addr add 10.0.0.99/24 dev eth1", "ip link set eth1 down", "ip route del default"]
    drop = ["setpriv", "--bounding-set=-net_admin,-sys_admin", "--inh-caps=-all"]
    for change in changes:
        line = ["nsenter", f"--user={user}", f"--net={net}", *drop, *change.split()]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert "not permitted" in done.stderr
    seen = subprocess.run(
        ["nsenter", f"--user={user}", f"--net={net}", "ip", "-o", "-4", "addr"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "10.0.0.20/24" in seen.stdout
    with vpc.namespaces.path("task-app").open() as other:
        line = ["nsenter", f"--user={user}", "nsenter", f"--net=/dev/fd/{other.fileno()}", "true"]
        done = subprocess.run(line, pass_fds=[other.fileno()], capture_output=True, text=True, check=False)
    assert "not permitted" in done.stderr


def test_path_mtu(vpc: Lab) -> None:
    """9001 bytes within the VPC, 1500 to the internet: too large is told, also through the NAT gateway."""
    inside = vpc.receive("task-app", 53)
    sock = vpc.receive("task-web", 4000)
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    sock.sendto(bytes(8973), ("10.0.1.20", 53))
    heard = vpc.heard(inside)
    assert heard is not None
    assert len(heard[0]) == 8973
    with pytest.raises(OSError) as large:
        sock.sendto(bytes(8974), ("10.0.1.20", 53))
    assert large.value.errno == errno.EMSGSIZE
    for task in ("task-web", "task-app"):
        out = vpc.socket_in(task, socket.SOCK_DGRAM)
        out.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        out.connect((CLIENT, 7))
        out.settimeout(2)
        out.send(bytes(3000))
        with pytest.raises(OSError) as told:
            out.recv(10)
        assert told.value.errno == errno.EMSGSIZE
        assert out.getsockopt(socket.IPPROTO_IP, IP_MTU) == 1500


def test_large_transfers_pass_through_the_nat_gateway(vpc: Lab) -> None:
    (server,) = vpc.listen("internet", 80)
    flow = vpc.connect("task-app", CLIENT, 80)
    peer, _ = vpc.accept(server)
    flow.sendall(bytes(100_000))
    total = 0
    while total < 100_000:
        total += len(peer.recv(65536))
    assert total == 100_000


def test_without_a_route_there_is_silence(vpc: Lab) -> None:
    vpc.cloud.table("vpc-a", "priv", subnets=("subnet-a-priv",))
    vpc.settle()
    vpc.listen("internet", 80)
    assert vpc.outcomes(("task-app", CLIENT, 80)) == ["silence"]
    assert vpc.reachable(("task-app", "10.0.0.20", 80)) == [True]  # the local route stays


def test_ipv6_is_closed_without_a_block(vpc: Lab) -> None:
    for namespace in ("task-web", "vpc-a", "nat-n"):
        with vpc.namespaces.inside(namespace):
            with open("/proc/net/if_inet6") as addresses:
                assert addresses.read() == ""
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                assert sock.connect_ex(("2001:db8::1", 9)) != 0
