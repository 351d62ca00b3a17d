"""The internet: its router ("edge"), a client, and the service addresses."""

from collections.abc import Sequence
from ipaddress import IPv6Network

from seawall.compile.network import skeletons
from seawall.compile.network.addresses import FAMILIES, family
from seawall.compile.network.contribution import EdgeName
from seawall.compile.network.interfaces import NO_IPV6
from seawall.compile.network.internet_gateway import INTERNET_MTU
from seawall.compile.network.kernel_settings import ipv6_settings
from seawall.compile.network.memory import Memory
from seawall.compile.network.numbers import mac_address
from seawall.compile.network.placement import Placement
from seawall.model.internet import (
    API_ADDRESS,
    CLIENT_ADDRESS,
    CLIENT_IPV6_ADDRESS,
    CLIENT_IPV6_NETWORK,
    CLIENT_NAMESPACE,
    CLIENT_NETWORK,
    EDGE_NAMESPACE,
    IPV6_POOL,
    PUBLIC_POOL,
    REGISTRY_ADDRESS,
    RESOLVER_ADDRESS,
    S3_ADDRESS,
)
from seawall.program.network import (
    Element,
    ElementSet,
    Link,
    LinkEnd,
    Namespace,
    Neighbour,
    PacketPolicy,
    Route,
)
from seawall.program.shelves import Shelves, joined

EDGE_ADDRESS = CLIENT_ADDRESS.rsplit(".", 1)[0] + ".1"
EDGE_IPV6_ADDRESS = str(IPv6Network(CLIENT_IPV6_NETWORK)[1])
_FORWARDING = (
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
)
ROUTER = (*NO_IPV6, *_FORWARDING)


def client_link(placement: Placement) -> Link:
    """ARP finds IPv4 neighbours.  IPv6's are fixed: without link-local addresses nobody can ask."""
    edge_mac, client_mac = mac_address("edge"), mac_address("client")
    prefix, prefix6 = CLIENT_NETWORK.rsplit("/", 1)[1], CLIENT_IPV6_NETWORK.rsplit("/", 1)[1]
    return Link(
        origin=CLIENT_NAMESPACE,
        mtu=INTERNET_MTU,
        router=LinkEnd(
            namespace=EDGE_NAMESPACE,
            name="clients",
            ifindex=placement.numbers["client"],
            mac=edge_mac,
            addresses=(f"{EDGE_ADDRESS}/{prefix}", f"{EDGE_IPV6_ADDRESS}/{prefix6}"),
            neighbours=(Neighbour(address=CLIENT_IPV6_ADDRESS, mac=client_mac),),
        ),
        host=LinkEnd(
            namespace=CLIENT_NAMESPACE,
            name="eth0",
            ifindex=placement.numbers["client/host"],
            mac=client_mac,
            addresses=(f"{CLIENT_ADDRESS}/{prefix}", f"{CLIENT_IPV6_ADDRESS}/{prefix6}"),
            neighbours=(Neighbour(address=EDGE_IPV6_ADDRESS, mac=edge_mac),),
        ),
    )


def client_namespace() -> Namespace:
    return Namespace(
        name=CLIENT_NAMESPACE,
        sysctls=ipv6_settings(on=True),
        routes=(
            Route(destination="0.0.0.0/0", device="eth0", via=EDGE_ADDRESS),
            Route(destination="::/0", device="eth0", via=EDGE_IPV6_ADDRESS),
        ),
    )


def edge_namespace(
    placement: Placement, names: Shelves[EdgeName], uplink: tuple[Route, ...], memory: Memory
) -> Namespace:
    """Routes lead to the given addresses only, and each is heard from its own device only.

    `uplink` are the routes to the real internet, if there is a way.
    """
    return Namespace(
        name=EDGE_NAMESPACE,
        sysctls=(*ipv6_settings(on=True, forwarding=True), *_FORWARDING),
        addresses=tuple(f"{a}/32" for a in (RESOLVER_ADDRESS, API_ADDRESS, REGISTRY_ADDRESS, S3_ADDRESS)),
        routes=joined(
            (Route(destination=PUBLIC_POOL), Route(destination=IPV6_POOL), *uplink),
            memory.each("edge routes", _route, names),
        ),
        policy=PacketPolicy(
            skeleton=skeletons.EDGE,
            sets=(
                *_sources(names, memory),
                _numbers("clients", (placement.numbers["client"],)),
                *(
                    ElementSet(name=name, key=(kind,), interval=True, elements=(Element(key=network),))
                    for name, kind, network in (
                        ("client_networks", "ipv4_addr", CLIENT_NETWORK),
                        ("client_networks6", "ipv6_addr", CLIENT_IPV6_NETWORK),
                    )
                ),
                _numbers("uplinks", (placement.numbers["uplink"],) if uplink else ()),
            ),
        ),
    )


def _route(name: EdgeName) -> tuple[Route, ...]:
    return (Route(destination=name.block, device=name.device, via=name.via),) if name.routed else ()


def _sources(names: Shelves[EdgeName], memory: Memory) -> tuple[ElementSet, ElementSet]:
    four, six = (memory.each(("edge sources", version), _source, names, version) for version in FAMILIES)
    return (
        ElementSet(name="source", key=("iface_index", "ipv4_addr"), elements=four),
        ElementSet(name="source6", key=("iface_index", "ipv6_addr"), interval=True, elements=six),
    )


def _source(name: EdgeName, version: int) -> tuple[Element, ...]:
    if family(name.block) != version:
        return ()
    heard = name.block.removesuffix("/32") if version == 4 else name.block
    return (Element(key=f"{name.number} . {heard}", origin=name.origin),)


def _numbers(name: str, numbers: Sequence[int]) -> ElementSet:
    return ElementSet(
        name=name, key=("iface_index",), elements=tuple(Element(key=str(number)) for number in numbers)
    )
