"""The uplink in the program: nothing of it when off; on, one way out and none to the machine's neighbours."""

import ipaddress

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.program.network import NetworkProgram


def program(*, uplink: bool) -> NetworkProgram:
    return compile_network(NetworkSnapshot(region="us-east-1", account="123456789012", uplink=uplink))


def test_off_there_is_no_way_out_at_all() -> None:
    compiled = program(uplink=False)
    assert "uplink" not in {n.name for n in compiled.namespaces}
    edge = next(n for n in compiled.namespaces if n.name == "edge")
    assert all(route.destination != "0.0.0.0/0" for route in edge.routes)
    assert all(resolver.upstream is None for resolver in compiled.resolvers)


def test_on_the_edge_has_a_default_route_and_resolvers_an_upstream() -> None:
    compiled = program(uplink=True)
    edge = next(n for n in compiled.namespaces if n.name == "edge")
    assert [r.device for r in edge.routes if r.destination == "0.0.0.0/0"] == ["uplink"]
    assert {r.upstream for r in compiled.resolvers} == {"198.19.1.1"}
    assert {r.upstream_namespace for r in compiled.resolvers} == {"uplink"}


def test_the_networks_around_the_machine_are_not_the_internet() -> None:
    uplink = next(n for n in program(uplink=True).namespaces if n.name == "uplink")
    assert uplink.policy is not None
    closed = next(s for s in uplink.policy.sets if s.name == "not_the_internet")
    networks = [ipaddress.ip_network(element.key) for element in closed.elements]
    for inside in ("10.1.2.3", "172.31.0.2", "192.168.1.1", "127.0.0.1", "169.254.169.254", "224.0.0.1"):
        assert any(ipaddress.ip_address(inside) in network for network in networks), inside
    for outside in ("8.8.8.8", "172.32.0.1", "192.0.2.10", "100.128.0.1"):
        assert not any(ipaddress.ip_address(outside) in network for network in networks), outside
