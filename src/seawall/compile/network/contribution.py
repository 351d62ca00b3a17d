"""What a connected thing (a gateway, a peering, an endpoint...) adds to the networks around it.

Each module of such a kind offers up to three functions, named in compile_network.PARTS:

    stands(snapshot) -> Mapping[interface id, Stand]        where its interfaces' far ends are
    devices(snapshot) -> Iterable[str]                      keys that need a device number (Placement.numbers)
    contribution(snapshot, placement) -> Contribution       all the rest

The snapshots are without the interfaces of tasks: those are many, and each is soon gone.
"""

from typing import Literal

import msgspec

from seawall.program.network import Link, Namespace, Route

VPC_MTU = 9001


class _Plain(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Stand(_Plain, frozen=True, kw_only=True):
    """Where an interface's far end is.  Interfaces in no module's answer have no link.

    addressed   its addresses are set on the far device; else that side has routes only
    transit     it carries packets that are neither from nor to its own addresses (NAT, transit gateways): no
                address is checked, and routes may lead to it
    ipv6        its namespace has IPv6 switched on
    """

    namespace: str
    device: str
    mtu: int = VPC_MTU
    addressed: bool = True
    transit: bool = False
    ipv6: bool = False


class Hop(_Plain, frozen=True, kw_only=True):
    """Where a VPC's routes to a target lead.  Without a hop for its target a route is a blackhole.

    zone    only packets from subnets of this availability zone take it; None: all
    via     the next hop's IPv4 address, with a permanent neighbour on `device`; None: IPv4 goes nowhere
    via6    likewise for IPv6
    """

    vpc_id: str
    target_id: str
    device: str
    via: str | None = None
    via6: str | None = None
    zone: str | None = None


class Door(_Plain, frozen=True, kw_only=True):
    """A device in a VPC's namespace that is no interface.  What comes through it has no groups or ACLs of
    its own; those of the receiving interface hold.

    number         its ifindex
    sources        blocks or ranges FIRST-LAST, of both families, that may come in through it; no overlaps
    kind           "internet": 1:1 translation; "egress_only": nothing new comes in; "link": neither
    route_table    the table (rtb-...) that decides where they go; None: to the VPC's own interfaces only
    """

    vpc_id: str
    origin: str
    number: int
    sources: tuple[str, ...]
    kind: Literal["link", "internet", "egress_only"] = "link"
    route_table: str | None = None


class Member(_Plain, frozen=True, kw_only=True):
    """An interface of another VPC that group rules of this VPC may mean."""

    vpc_id: str
    interface_id: str
    addresses: tuple[str, ...]
    group_ids: tuple[str, ...]


class Turn(_Plain, frozen=True, kw_only=True):
    """A load balancer's node that sends packets on under their clients' addresses: the answers to what came
    through it go back to it, wherever they are addressed to.

    number      its ifindex in the VPC's namespace
    via         the node's IPv4 address, with a permanent neighbour on `device`
    group_ids   what rules that name these groups let in, they let in through it under any address
    """

    vpc_id: str
    origin: str
    number: int
    device: str
    via: str
    group_ids: tuple[str, ...] = ()


class EdgeName(_Plain, frozen=True, kw_only=True):
    """Addresses on the internet: routed to a device of the edge, and heard from there only.

    block    ADDRESS/32, or any IPv6 block
    routed   False: packets to it go to another device, which it is a second way from
    """

    block: str
    number: int  # the device's ifindex in the edge
    device: str
    via: str | None
    origin: str
    routed: bool = True


class Contribution(_Plain, frozen=True, kw_only=True):
    """`routes` are further routes of VPC namespaces: (VPC, route in its main table)."""

    namespaces: tuple[Namespace, ...] = ()
    links: tuple[Link, ...] = ()
    hops: tuple[Hop, ...] = ()
    doors: tuple[Door, ...] = ()
    members: tuple[Member, ...] = ()
    edge: tuple[EdgeName, ...] = ()
    routes: tuple[tuple[str, Route], ...] = ()
