"""The link between a VPC endpoint's namespace and the edge, where the services are.

The edge hears one address over it, into which the endpoint translates whoever speaks through it.
"""

from collections.abc import Iterable

from seawall.compile.network.contribution import EdgeName
from seawall.compile.network.internet_gateway import EDGE_HOP, VPC_HOP
from seawall.compile.network.numbers import mac_address
from seawall.compile.network.placement import Placement
from seawall.model.internet import EDGE_NAMESPACE
from seawall.program.network import Link, LinkEnd, Neighbour, Route

ENDPOINT_MTU = 8500
DEVICE = "services"  # in the endpoint's namespace

# An endpoint tells nobody that a packet was too large; it clamps the segments of TCP instead.
# Source: AWS PrivateLink guide, "AWS PrivateLink quotas".
SILENT_MTU = """
    chain clamp {
        type filter hook forward priority mangle; policy accept;
        tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    }
    chain report {
        type filter hook output priority filter; policy accept;
        icmp type destination-unreachable icmp code 4 drop
    }
"""


def device_keys(key: str) -> tuple[str, str]:
    """For the numbers of the link's two ends: the endpoint's, the edge's."""
    return f"{key}/services", f"{key}/services/edge"


def service_link(key: str, namespace: str, placement: Placement) -> Link:
    """`key` is the id of what the link is for, an endpoint or one of its interfaces."""
    own, edge = device_keys(key)
    own_mac, edge_mac = mac_address(own), mac_address(edge)
    return Link(
        origin=key,
        mtu=ENDPOINT_MTU,
        router=LinkEnd(
            namespace=EDGE_NAMESPACE,
            name=f"v{placement.numbers[edge]}",
            ifindex=placement.numbers[edge],
            mac=edge_mac,
            neighbours=(Neighbour(address=VPC_HOP, mac=own_mac),),
        ),
        host=LinkEnd(
            namespace=namespace,
            name=DEVICE,
            ifindex=placement.numbers[own],
            mac=own_mac,
            neighbours=(Neighbour(address=EDGE_HOP, mac=edge_mac),),
        ),
    )


def edge_name(key: str, address: str, placement: Placement) -> EdgeName:
    number = placement.numbers[device_keys(key)[1]]
    return EdgeName(block=f"{address}/32", number=number, device=f"v{number}", via=VPC_HOP, origin=key)


def service_routes(destinations: Iterable[str]) -> tuple[Route, ...]:
    """From the endpoint's namespace to these blocks of the edge."""
    return tuple(Route(destination=d, device=DEVICE, via=EDGE_HOP) for d in destinations)
