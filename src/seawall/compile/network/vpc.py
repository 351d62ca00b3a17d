"""The router of a VPC: one namespace in which every packet between interfaces passes the same policy."""

from ipaddress import IPv4Network

from seawall.compile.network import skeletons
from seawall.compile.network.nat_gateway import TRANSLATOR
from seawall.compile.network.placement import Placed, Placement
from seawall.compile.network.routing import compile_routes, number_tables, table_of_subnet
from seawall.compile.network.security_groups import (
    Policies,
    group_chains,
    member_sets,
    number_policies,
    policy_key,
    policy_verdicts,
)
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.zones import VPC_RESOLVER
from seawall.model.private_dns import resolver_address
from seawall.model.vpc import Vpc
from seawall.program.network import Element, ElementSet, Namespace, PacketPolicy

_ROUTER = (
    *(pair for pair in TRANSLATOR if not pair[0].endswith("timeout_established")),
    ("ipv4/conf/all/accept_local", "1"),  # path-MTU errors that come back through a NAT gateway
    ("ipv4/conf/all/proxy_arp", "1"),
    ("netfilter/nf_conntrack_tcp_timeout_established", "432000"),
    ("netfilter/nf_conntrack_udp_timeout", "30"),
    ("netfilter/nf_conntrack_udp_timeout_stream", "180"),
)


def vpc_namespace(vpc: Vpc, snapshot: NetworkSnapshot, placement: Placement) -> Namespace:
    interfaces = placement.in_vpc(vpc.id)
    tables = [table for table in snapshot.route_tables if table.vpc_id == vpc.id]
    groups = [group for group in snapshot.security_groups if group.vpc_id == vpc.id]
    numbers, policies = number_tables(tables), number_policies(interfaces)
    marks = {}
    for placed in interfaces:
        table = table_of_subnet(placed.subnet.id, tables)
        table_mark = numbers[table.id] << skeletons.POLICY_BITS if table else 0
        marks[placed.interface.id] = table_mark | _policy(placed, policies)
    routes, rules = compile_routes(vpc, tables, numbers, placement)
    gateways = [IPv4Network(s.cidr_block)[1] for s in snapshot.subnets if s.vpc_id == vpc.id]
    return Namespace(
        name=vpc.id,
        sysctls=_ROUTER,
        addresses=tuple(f"{address}/32" for address in [*gateways, *_resolvers(vpc)]),
        routes=routes,
        rules=rules,
        policy=PacketPolicy(
            skeleton=skeletons.VPC,
            sets=(
                *_sender_maps(interfaces, marks, placement, vpc),
                _receivers(interfaces, policies, placement, vpc),
                *policy_verdicts(policies),
                *_public_maps(interfaces, placement, vpc),
                ElementSet(
                    name="networks",
                    key=("ipv4_addr",),
                    interval=True,
                    elements=tuple(Element(key=a.cidr_block) for a in vpc.cidr_blocks),
                ),
                ElementSet(
                    name="resolvers",
                    key=("ipv4_addr",),
                    elements=tuple(Element(key=a) for a in _resolvers(vpc)),
                ),
                *member_sets(groups, interfaces),
            ),
            chains=tuple(group_chains(groups, snapshot.security_group_rules, policies)),
        ),
    )


def _resolvers(vpc: Vpc) -> tuple[str, ...]:
    return (resolver_address(vpc), VPC_RESOLVER) if vpc.enable_dns_support else ()


def _policy(placed: Placed, policies: Policies) -> int:
    return 0 if placed.nat_gateway else policies[policy_key(placed.interface.group_ids)]


def _sender_maps(
    interfaces: list[Placed], marks: dict[str, int], placement: Placement, vpc: Vpc
) -> list[ElementSet]:
    """Who may send from which address, and the route table and policy that apply to it."""
    checked, unchecked = [], []
    for placed in interfaces:
        interface = placed.interface
        mark = f"{marks[interface.id]:#x}"
        if interface.source_dest_check and not placed.nat_gateway:
            key = f"{placed.number} . {interface.private_ip_address}"
            checked.append(Element(key=key, value=mark, origin=interface.id))
        else:
            unchecked.append(Element(key=str(placed.number), value=mark, origin=interface.id))
    gateway = placement.gateways.get(vpc.id)
    own = [Element(key=str(gateway.number), value="0x0", origin=gateway.gateway.id)] if gateway else []
    return [
        ElementSet(name="source", key=("iface_index", "ipv4_addr"), value="mark", elements=tuple(checked)),
        ElementSet(name="unchecked_source", key=("iface_index",), value="mark", elements=(*unchecked, *own)),
        ElementSet(
            name="gateways",
            key=("iface_index",),
            elements=tuple(Element(key=e.key, origin=e.origin) for e in own),
        ),
        ElementSet(
            name="addresses",
            key=("ipv4_addr",),
            elements=tuple(
                Element(key=p.interface.private_ip_address, origin=p.interface.id) for p in interfaces
            ),
            releases="address",
        ),
    ]


def _receivers(interfaces: list[Placed], policies: Policies, placement: Placement, vpc: Vpc) -> ElementSet:
    elements = [
        Element(key=str(p.number), value=f"{_policy(p, policies):#x}", origin=p.interface.id)
        for p in interfaces
    ]
    gateway = placement.gateways.get(vpc.id)
    if gateway:
        elements.append(Element(key=str(gateway.number), value="0x0", origin=gateway.gateway.id))
    return ElementSet(name="receivers", key=("iface_index",), value="mark", elements=tuple(elements))


def _public_maps(interfaces: list[Placed], placement: Placement, vpc: Vpc) -> list[ElementSet]:
    """The internet gateway's one-to-one translation; without a gateway it is empty."""
    inward, outward, sources = [], [], []
    for placed in interfaces if vpc.id in placement.gateways else ():
        private, public, origin = (
            placed.interface.private_ip_address,
            placed.public_address,
            placed.interface.id,
        )
        if public is not None:
            inward.append(Element(key=public, value=private, origin=origin))
            outward.append(Element(key=private, value=public, origin=origin))
            sources.append(Element(key=private, origin=origin))
    return [
        ElementSet(
            name="public_to_private",
            key=("ipv4_addr",),
            value="ipv4_addr",
            elements=tuple(inward),
            releases="address",
        ),
        ElementSet(name="private_to_public", key=("ipv4_addr",), value="ipv4_addr", elements=tuple(outward)),
        ElementSet(name="public_sources", key=("ipv4_addr",), elements=tuple(sources)),
    ]
