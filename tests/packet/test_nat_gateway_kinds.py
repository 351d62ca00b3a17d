"""NAT gateways of both kinds: UDP and ICMP through a public one, a private one on the way to other VPCs."""

import socket
import struct
from pathlib import Path

import pytest
from tests.packet.ears import checksum
from tests.packet.lab import Lab
from tests.packet.test_peering import peer
from tests.packet.transit import TGW, attach, gateway, propagate

from seawall.host.flow_count import open_connections

pytestmark = pytest.mark.world

CLIENT = "203.0.113.10"


@pytest.fixture
def public(lab: Lab) -> Lab:
    """app (10.0.1.20) behind nat-n (10.0.0.10, 198.18.0.10); web (198.18.0.20) beside the gateway."""
    cloud = lab.cloud
    a = cloud.vpc("a")
    pub, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.group(a, "app", "-1 0.0.0.0/0")
    nat = cloud.nat("n", pub, "10.0.0.10", "198.18.0.10")
    cloud.table(a, "pub", subnets=(pub,), internet_gateway="igw-a")
    cloud.table(a, "priv", subnets=(private,), nat_gateway=nat)
    cloud.task("app", private, "10.0.1.20", "sg-a-app")
    cloud.task("web", pub, "10.0.0.20", "sg-a-app", public="198.18.0.20")
    lab.settle()
    return lab


def test_datagrams_are_translated_there_and_back(public: Lab) -> None:
    server, client = public.receive("internet", 53, CLIENT), public.receive("task-app", 4000)
    client.sendto(b"question", (CLIENT, 53))
    heard = public.heard(server)
    assert heard is not None
    data, (address, port) = heard
    assert (data, address) == (b"question", "198.18.0.10")
    assert port >= 1024
    stranger = public.receive("internet", 54, CLIENT)
    stranger.sendto(b"me too", (address, port))  # known is who was asked, from the port that was asked
    server.sendto(b"answer", (address, port))
    assert public.heard(client) == (b"answer", (CLIENT, 53))
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(1)


def test_echoes_and_errors_come_back(public: Lab) -> None:
    raw = public.socket_in("task-app", socket.SOCK_RAW, socket.IPPROTO_ICMP)
    echo = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"payload."
    raw.sendto(echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:], (CLIENT, 0))
    heard = public.heard(raw)
    assert heard is not None and (heard[0][20], heard[0][28:], heard[1][0]) == (0, b"payload.", CLIENT)
    asking = public.socket_in("task-app", socket.SOCK_DGRAM)
    asking.connect((CLIENT, 9))  # nobody listens there: port unreachable
    asking.send(b"anybody?")
    asking.settimeout(2)
    with pytest.raises(ConnectionRefusedError):
        asking.recv(1)


def test_every_protocol_is_forgotten_after_350_seconds(public: Lab) -> None:
    with public.namespaces.inside("nat-n"):
        times = Path("/proc/sys/net/netfilter")
        names = ("tcp_timeout_established", "udp_timeout", "udp_timeout_stream", "icmp_timeout")
        assert [(times / f"nf_conntrack_{name}").read_text().strip() for name in names] == ["350"] * 4


def test_open_connections_are_counted(public: Lab) -> None:
    (server,) = public.listen("internet", 80, address=CLIENT)
    assert open_connections(public.namespaces, "nat-n") == 0
    held = []
    for count in (1, 2, 3):
        held.append(public.connect("task-app", CLIENT, 80))
        accepted, _ = public.accept(server)
        held.append(accepted)
        assert open_connections(public.namespaces, "nat-n") == count
    public.receive("task-app", 4000).sendto(b"no connection", (CLIENT, 53))
    assert open_connections(public.namespaces, "nat-n") == 3
    for end in held:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()  # with a reset
    assert open_connections(public.namespaces, "nat-n") == 0
    with pytest.raises(OSError, match="nowhere"):
        open_connections(public.namespaces, "nowhere")


def test_the_public_address_of_a_neighbour_is_reached_under_the_gateways(public: Lab) -> None:
    (server,) = public.listen("task-web", 80)
    public.connect("task-app", "198.18.0.20", 80)
    assert public.accept(server)[1] == "198.18.0.10"
    public.listen("task-app", 80)
    # Back to its own gateway's address leads nowhere, from either side of it.
    probes = [(where, "198.18.0.10", 80) for where in ("task-app", "task-web", "internet")]
    assert public.outcomes(*probes) == ["silence"] * 3


def test_a_deleted_one_ends_its_connections(public: Lab) -> None:
    (server,) = public.listen("internet", 80)
    mine = public.connect("task-app", CLIENT, 80)
    theirs, _ = public.accept(server)
    public.cloud.change("nat-n", state="deleting")
    public.settle()
    mine.sendall(b"lost")
    assert public.heard(theirs) is None
    assert public.outcomes(("task-app", CLIENT, 80)) == ["silence"]


@pytest.fixture(params=["peering", "transit gateway"])
def private(lab: Lab, request: pytest.FixtureRequest) -> Lab:
    """app (10.0.1.20) behind a private gateway (10.0.2.10), which has a way to b's server (10.1.1.20)."""
    cloud = lab.cloud
    a, b = cloud.vpc("a"), cloud.vpc("b", "10.1.0.0/16")
    apps, nats = cloud.subnet(a, "apps", "10.0.1.0/24"), cloud.subnet(a, "nats", "10.0.2.0/24")
    one = cloud.subnet(b, "one", "10.1.1.0/24")
    cloud.group(a, "app", "-1 0.0.0.0/0")
    cloud.group(b, "server", "-1 10.0.2.10/32")
    nat = cloud.nat("p", nats, "10.0.2.10", None)
    out, beyond = cloud.table(a, "apps", subnets=(apps,)), cloud.table(a, "nats", subnets=(nats,))
    cloud.route(out, "10.1.0.0/16", nat_gateway=nat)
    cloud.route(out, "0.0.0.0/0", nat_gateway=nat)
    cloud.route(beyond, "0.0.0.0/0", internet_gateway="igw-a")
    if request.param == "peering":
        target = {"vpc_peering_connection": peer(cloud, a, b)}
    else:
        gateway(cloud, "main")
        propagate(cloud, attach(cloud, "a", nats), attach(cloud, "b", one))
        target = {"transit_gateway": TGW}
    cloud.route(beyond, "10.1.0.0/16", **target)
    cloud.route("rtb-b-main", "10.0.2.0/24", **target)
    cloud.task("app", apps, "10.0.1.20", "sg-a-app")
    cloud.task("server", one, "10.1.1.20", "sg-b-server")
    lab.settle()
    return lab


def test_another_vpc_sees_the_private_gateways_address(private: Lab) -> None:
    server, listener = private.receive("task-server", 53), private.listen("task-server", 80)[0]
    private.connect("task-app", "10.1.1.20", 80)
    assert private.accept(listener)[1] == "10.0.2.10"
    client = private.receive("task-app", 4000)
    client.sendto(b"question", ("10.1.1.20", 53))
    heard = private.heard(server)
    assert heard is not None and heard[1][0] == "10.0.2.10"
    server.sendto(b"answer", heard[1])
    assert private.heard(client) == (b"answer", ("10.1.1.20", 53))


def test_a_private_gateway_lets_nothing_in_and_not_out_to_the_internet(private: Lab) -> None:
    private.listen("task-app", 80)
    private.listen("internet", 443)
    assert (
        private.outcomes(
            ("task-server", "10.0.2.10", 80), ("task-server", "10.0.1.20", 80), ("task-app", CLIENT, 443)
        )
        == ["silence"] * 3
    )
