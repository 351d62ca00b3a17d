"""Interface endpoints: behind each interface a namespace that hands connections on to the service.

The interface has groups and a subnet like any other.  It answers on the service's ports only, and starts
nothing itself; a connection that was idle for 350 seconds is forgotten, and reset when it goes on.
Source: AWS PrivateLink guide, "Access AWS services through AWS PrivateLink": considerations.
"""

from collections.abc import Iterable, Mapping

from seawall.compile.network.contribution import Contribution, Stand
from seawall.compile.network.endpoint_addresses import ALIVE, endpoint_addresses
from seawall.compile.network.endpoint_link import (
    DEVICE,
    SILENT_MTU,
    device_keys,
    edge_name,
    service_link,
    service_routes,
)
from seawall.compile.network.interfaces import NO_IPV6, default_route
from seawall.compile.network.kernel_settings import ROUTER_IPV4, TRACKING
from seawall.compile.network.placement import Placed, Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.endpoint_service import PORTS, EndpointService, find_service
from seawall.program.network import Chain, Element, ElementSet, Namespace, PacketPolicy, Rule

VPC_DEVICE = "eth0"
_IDLE = (
    ("netfilter/nf_conntrack_tcp_timeout_established", "350"),
    ("netfilter/nf_conntrack_tcp_be_liberal", "1"),
)

SKELETON = f"""
    chain hand_on {{
        type nat hook prerouting priority dstnat; policy accept;
        iifname "{VPC_DEVICE}" ip daddr @addresses tcp dport @ports jump serve
    }}
    chain send {{
        type filter hook forward priority filter; policy drop;
        ct status confirmed accept
        ct state invalid drop
        iifname "{VPC_DEVICE}" ct status dnat accept
    }}
    chain translate {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname "{DEVICE}" jump hide
    }}
    chain arrive {{
        type filter hook input priority filter; policy drop;
        iifname "{VPC_DEVICE}" tcp dport @ports ct state invalid reject with tcp reset
        ct state related accept
    }}
{SILENT_MTU}"""


def stands(snapshot: NetworkSnapshot) -> Mapping[str, Stand]:
    """The interfaces of endpoints that work."""
    return {id: Stand(namespace=id, device=VPC_DEVICE) for id in _interfaces(snapshot)}


def devices(snapshot: NetworkSnapshot) -> Iterable[str]:
    for id in _interfaces(snapshot):
        yield from device_keys(id)


def contribution(snapshot: NetworkSnapshot, placement: Placement) -> Contribution:
    """The namespaces of their interfaces, and each one's link to the services."""
    addresses = endpoint_addresses(snapshot.vpc_endpoints)
    known = [
        (placed, service) for id, service in _interfaces(snapshot).items() if (placed := placement.find(id))
    ]
    ids = [placed.interface.id for placed, _ in known]
    return Contribution(
        namespaces=tuple(
            _namespace(placed, service, addresses[placed.interface.id]) for placed, service in known
        ),
        links=tuple(service_link(id, id, placement) for id in ids),
        edge=tuple(edge_name(id, addresses[id], placement) for id in ids),
    )


def _interfaces(snapshot: NetworkSnapshot) -> dict[str, EndpointService]:
    """The service behind each interface."""
    standing = {i.id for i in snapshot.network_interfaces if i.status != "detaching"}
    found: dict[str, EndpointService] = {}
    for endpoint in sorted(snapshot.vpc_endpoints, key=lambda endpoint: endpoint.id):
        service = find_service(endpoint.service_name, snapshot.region)
        if endpoint.endpoint_type == "Interface" and endpoint.state in ALIVE and service is not None:
            found |= {id: service for id in endpoint.network_interface_ids if id in standing}
    return found


def _namespace(placed: Placed, service: EndpointService, address: str) -> Namespace:
    origin = placed.interface.id
    own = tuple(Element(key=a, origin=origin) for a in placed.interface.private_ip_addresses)
    ports = tuple(Element(key=str(port), origin=origin) for port in PORTS)
    return Namespace(
        name=placed.namespace,
        sysctls=(*NO_IPV6, *ROUTER_IPV4, *TRACKING, *_IDLE),
        routes=(default_route(placed), *service_routes((f"{service.address}/32",))),
        policy=PacketPolicy(
            skeleton=SKELETON,
            sets=(
                ElementSet(name="addresses", key=("ipv4_addr",), elements=own),
                ElementSet(name="ports", key=("inet_service",), elements=ports),
            ),
            chains=(
                Chain(name="serve", rules=(Rule(text=f"dnat ip to {service.address}", origin=origin),)),
                Chain(
                    name="hide",
                    rules=(Rule(text=f"meta l4proto tcp snat ip to {address} : 1024-65535", origin=origin),),
                ),
            ),
        ),
    )
