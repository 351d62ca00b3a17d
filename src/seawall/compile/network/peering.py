"""VPC peering connections: a link between two VPCs' routers, for packets from one's blocks to the other's.

What comes over reaches interfaces only, never a gateway or a third VPC, and only as far as the receiving
VPC's groups and ACLs let it.  Source: VPC peering guide, "VPC peering limitations".
"""

from collections import Counter
from collections.abc import Iterable

from seawall.compile.network.contribution import VPC_MTU, Contribution, Door, Hop, Member
from seawall.compile.network.numbers import Numbers, mac_address
from seawall.compile.network.placement import FAR_IPV6, ROUTER_IPV6, Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.vpc import Vpc
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.program.network import Link, LinkEnd, Neighbour

IN_FORCE = ("provisioning", "active")
REQUESTER_HOP, ACCEPTER_HOP = "169.254.0.9", "169.254.0.10"  # each VPC's router, as the other one sees it
REQUESTER_HOP6, ACCEPTER_HOP6 = ROUTER_IPV6, FAR_IPV6

Peered = tuple[VpcPeeringConnection, Vpc, Vpc]  # with the requester's VPC and the accepter's


def devices(snapshot: NetworkSnapshot) -> Iterable[str]:
    """Two for each connection."""
    for peering, _, _ in _peered(snapshot):
        yield peering.id
        yield f"{peering.id}/host"


def contribution(snapshot: NetworkSnapshot, placement: Placement) -> Contribution:
    """Links, the doors at both ends, routes to them, and whom rules may mean on the other side."""
    peered = _peered(snapshot)
    return Contribution(
        links=tuple(_link(one, placement.numbers) for one in peered),
        hops=tuple(hop for one in peered for hop in _hops(one, placement.numbers)),
        doors=tuple(door for one in peered for door in _doors(one, placement.numbers)),
        members=_members(peered, placement),
    )


def _peered(snapshot: NetworkSnapshot) -> list[Peered]:
    vpcs = {vpc.id: vpc for vpc in snapshot.vpcs}
    return [
        (peering, vpcs[peering.requester_vpc_id], vpcs[peering.accepter_vpc_id])
        for peering in sorted(snapshot.vpc_peering_connections, key=lambda p: p.id)
        if peering.status in IN_FORCE and peering.requester_vpc_id in vpcs and peering.accepter_vpc_id in vpcs
    ]


def _link(one: Peered, numbers: Numbers) -> Link:
    peering, requester, accepter = one
    near, far = mac_address(peering.id), mac_address(f"{peering.id}/host")
    return Link(
        origin=peering.id,
        mtu=VPC_MTU,
        router=_end(requester, numbers[peering.id], near, far, (ACCEPTER_HOP, ACCEPTER_HOP6)),
        host=_end(accepter, numbers[f"{peering.id}/host"], far, near, (REQUESTER_HOP, REQUESTER_HOP6)),
    )


def _end(vpc: Vpc, number: int, mac: str, other_mac: str, others: tuple[str, str]) -> LinkEnd:
    known = others if vpc.ipv6_cidr_blocks else others[:1]
    return LinkEnd(
        namespace=vpc.id,
        name=f"p{number}",
        ifindex=number,
        mac=mac,
        neighbours=tuple(Neighbour(address=address, mac=other_mac) for address in known),
    )


def _hops(one: Peered, numbers: Numbers) -> Iterable[Hop]:
    peering, requester, accepter = one
    six = bool(requester.ipv6_cidr_blocks and accepter.ipv6_cidr_blocks)
    for vpc, number, via, via6 in (
        (requester, numbers[peering.id], ACCEPTER_HOP, ACCEPTER_HOP6),
        (accepter, numbers[f"{peering.id}/host"], REQUESTER_HOP, REQUESTER_HOP6),
    ):
        yield Hop(
            vpc_id=vpc.id, target_id=peering.id, device=f"p{number}", via=via, via6=via6 if six else None
        )


def _doors(one: Peered, numbers: Numbers) -> Iterable[Door]:
    peering, requester, accepter = one
    for vpc, number, other in (
        (requester, numbers[peering.id], accepter),
        (accepter, numbers[f"{peering.id}/host"], requester),
    ):
        yield Door(vpc_id=vpc.id, origin=peering.id, number=number, sources=other.all_blocks)


def _members(peered: Iterable[Peered], placement: Placement) -> tuple[Member, ...]:
    """The interfaces of peers.  An address that two peers of one VPC have stands for no group there."""
    ways = [way for _, a, b in peered for way in ((a.id, b.id), (b.id, a.id))]
    found = [(vpc_id, placed) for vpc_id, peer_id in ways for placed in placement.in_vpc(peer_id)]
    held = Counter((vpc_id, address) for vpc_id, placed in found for address in placed.addresses)
    return tuple(
        Member(
            vpc_id=vpc_id,
            interface_id=placed.interface.id,
            addresses=tuple(a for a in placed.addresses if held[vpc_id, a] == 1),
            group_ids=placed.interface.group_ids,
        )
        for vpc_id, placed in found
        if placed.interface.group_ids
    )
