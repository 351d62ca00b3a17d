"""Gateway endpoints: a namespace between a VPC and the service's blocks, and nothing else.

Only the VPC's own addresses may use it, for TCP and ICMP echo; nobody behind a peering or transit gateway.
Sources: AWS PrivateLink guide, "Gateway endpoints": considerations; VPCE_GATEWAY_PROTOCOL_RESTRICTION and
VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION among the explanation codes of Reachability Analyzer.
"""

from collections.abc import Iterable

from seawall.compile.network.contribution import VPC_MTU, Contribution, Door, Hop
from seawall.compile.network.endpoint_addresses import ALIVE, endpoint_addresses
from seawall.compile.network.endpoint_link import (
    DEVICE,
    SILENT_MTU,
    device_keys,
    edge_name,
    service_link,
    service_routes,
)
from seawall.compile.network.interfaces import NO_IPV6
from seawall.compile.network.internet_gateway import EDGE_HOP, VPC_HOP
from seawall.compile.network.kernel_settings import ROUTER_IPV4, TRACKING
from seawall.compile.network.numbers import mac_address
from seawall.compile.network.placement import Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.prefix_list import PrefixList
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.program.network import (
    Chain,
    Element,
    ElementSet,
    Link,
    LinkEnd,
    Namespace,
    Neighbour,
    PacketPolicy,
    Route,
    Rule,
)

VPC_DEVICE = "vpc"  # in the endpoint's namespace

# Connections begin in the VPC only.
SKELETON = f"""
    chain send {{
        type filter hook forward priority filter; policy drop;
        ct status confirmed accept
        ct state invalid drop
        iifname != "{VPC_DEVICE}" drop
        ip saddr != @networks drop
        ip daddr != @destinations drop
        meta l4proto tcp accept
        icmp type echo-request accept
    }}
    chain translate {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname "{DEVICE}" jump hide
    }}
    chain arrive {{
        type filter hook input priority filter; policy drop;
        ct state related accept
    }}
{SILENT_MTU}"""


def devices(snapshot: NetworkSnapshot) -> Iterable[str]:
    for endpoint in _endpoints(snapshot):
        yield from (*_vpc_keys(endpoint.id), *device_keys(endpoint.id))


def contribution(snapshot: NetworkSnapshot, placement: Placement) -> Contribution:
    """Their namespaces, both links of each, and the way there from the routes that name it."""
    vpcs = {vpc.id: vpc for vpc in snapshot.vpcs}
    lists = {entry.name: entry for entry in snapshot.prefix_lists if entry.owner_id == "AWS"}
    addresses = endpoint_addresses(snapshot.vpc_endpoints)
    known = [
        (endpoint, vpcs[endpoint.vpc_id], _blocks(lists[endpoint.service_name]))
        for endpoint in _endpoints(snapshot)
        if endpoint.vpc_id in vpcs and endpoint.service_name in lists
    ]
    return Contribution(
        namespaces=tuple(_namespace(e, vpc, blocks, addresses[e.id]) for e, vpc, blocks in known),
        links=tuple(
            link
            for e, _, _ in known
            for link in (_vpc_link(e, placement), service_link(e.id, e.id, placement))
        ),
        hops=tuple(
            Hop(vpc_id=e.vpc_id, target_id=e.id, device=_vpc_device(e, placement), via=EDGE_HOP)
            for e, _, _ in known
        ),
        doors=tuple(
            Door(
                vpc_id=e.vpc_id,
                origin=e.id,
                number=placement.numbers[_vpc_keys(e.id)[0]],
                sources=blocks,
            )
            for e, _, blocks in known
        ),
        edge=tuple(edge_name(e.id, addresses[e.id], placement) for e, _, _ in known),
    )


def _endpoints(snapshot: NetworkSnapshot) -> list[VpcEndpoint]:
    found = [e for e in snapshot.vpc_endpoints if e.endpoint_type == "Gateway" and e.state in ALIVE]
    return sorted(found, key=lambda endpoint: endpoint.id)


def _blocks(prefix_list: PrefixList) -> tuple[str, ...]:
    return tuple(entry.cidr for entry in prefix_list.entries)


def _vpc_keys(endpoint_id: str) -> tuple[str, str]:
    """For the numbers of the other link's ends: the VPC's, the endpoint's."""
    return endpoint_id, f"{endpoint_id}/host"


def _vpc_device(endpoint: VpcEndpoint, placement: Placement) -> str:
    return f"v{placement.numbers[_vpc_keys(endpoint.id)[0]]}"


def _vpc_link(endpoint: VpcEndpoint, placement: Placement) -> Link:
    own, far = _vpc_keys(endpoint.id)
    own_mac, far_mac = mac_address(own), mac_address(far)
    return Link(
        origin=endpoint.id,
        mtu=VPC_MTU,
        router=LinkEnd(
            namespace=endpoint.vpc_id,
            name=_vpc_device(endpoint, placement),
            ifindex=placement.numbers[own],
            mac=own_mac,
            neighbours=(Neighbour(address=EDGE_HOP, mac=far_mac),),
        ),
        host=LinkEnd(
            namespace=endpoint.id,
            name=VPC_DEVICE,
            ifindex=placement.numbers[far],
            mac=far_mac,
            neighbours=(Neighbour(address=VPC_HOP, mac=own_mac),),
        ),
    )


def _namespace(endpoint: VpcEndpoint, vpc: Vpc, blocks: tuple[str, ...], address: str) -> Namespace:
    own = tuple(association.cidr_block for association in vpc.cidr_blocks)
    sets = [
        ElementSet(
            name=name,
            key=("ipv4_addr",),
            interval=True,
            elements=tuple(Element(key=block, origin=endpoint.id) for block in members),
        )
        for name, members in (("networks", own), ("destinations", blocks))
    ]
    hide = Rule(text=f"snat ip to {address}", origin=endpoint.id)
    return Namespace(
        name=endpoint.id,
        sysctls=(*NO_IPV6, *ROUTER_IPV4, *TRACKING),
        routes=(
            *(Route(destination=block, device=VPC_DEVICE, via=VPC_HOP) for block in own),
            *service_routes(blocks),
        ),
        policy=PacketPolicy(skeleton=SKELETON, sets=tuple(sets), chains=(Chain(name="hide", rules=(hide,)),)),
    )
