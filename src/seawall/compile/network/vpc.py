"""The router of a VPC: one namespace in which every packet between interfaces passes the same policy."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from itertools import chain
from typing import NamedTuple

import msgspec

from seawall.compile.network import skeletons
from seawall.compile.network.contribution import Door, Hop, Member, Turn
from seawall.compile.network.kernel_settings import ROUTER_IPV4, TRACKING, ipv6_settings
from seawall.compile.network.memory import Memory
from seawall.compile.network.network_acls import (
    Boundaries,
    acl_sets,
    boundaries,
    boundary_chains,
    boundary_verdicts,
    subnet_sets,
)
from seawall.compile.network.placement import Placed
from seawall.compile.network.policies import Catalog, member_policy, number_policies, own_policies
from seawall.compile.network.routing import (
    Senders,
    interface_routes,
    local_routes,
    number_senders,
    table_routes,
)
from seawall.compile.network.security_groups import group_sets, policy_chains, policy_verdicts
from seawall.compile.network.senders import InterfaceSets, address_sets
from seawall.compile.network.turning import turn_chains, turn_routes, turn_sets
from seawall.compile.network.untracked import open_rules, untracked_pieces, untracked_sets
from seawall.compile.zones import resolver_addresses
from seawall.model.network_acl import NetworkAcl
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.program.network import ElementSet, Namespace, PacketPolicy, Route, RoutingRule
from seawall.program.shelves import Shelves, joined

_ROUTER = (
    *ROUTER_IPV4,
    *TRACKING,
    ("ipv4/conf/all/accept_local", "1"),  # path-MTU errors that come back through a NAT gateway
    ("ipv4/conf/all/proxy_arp", "1"),
    ("netfilter/nf_conntrack_tcp_timeout_established", "432000"),
    ("netfilter/nf_conntrack_udp_timeout", "30"),
    ("netfilter/nf_conntrack_udp_timeout_stream", "180"),
)


class VpcParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the network of one VPC is made of; `hops` by target, `rules` by group."""

    vpc: Vpc
    subnets: tuple[Subnet, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    acls: tuple[NetworkAcl, ...] = ()
    interfaces: Shelves[Placed] = Shelves()
    rules: Mapping[str, tuple[SecurityGroupRule, ...]] = {}
    lists: Mapping[str, PrefixList] = {}
    hops: tuple[Hop, ...] = ()
    doors: tuple[Door, ...] = ()
    members: tuple[Member, ...] = ()
    routes: tuple[Route, ...] = ()
    turns: tuple[Turn, ...] = ()


def vpc_namespace(parts: VpcParts, memory: Memory) -> Namespace:
    """Each piece is compiled anew only if something that it is made from is another object than before."""
    vpc = parts.vpc
    limits = memory.recall(
        ("boundaries", vpc.id),
        boundaries,
        parts.acls,
        parts.subnets,
        (4, 6) if vpc.ipv6_cidr_blocks else (4,),
    )
    bounded = tuple(limits.of_subnet)
    catalog = memory.recall(
        ("policies", vpc.id),
        number_policies,
        own_policies(parts.interfaces, bounded, memory, vpc.id),
        tuple(map(member_policy, parts.members)),
    )
    of_interfaces = InterfaceSets(vpc, parts.interfaces, catalog, bounded, memory)
    tables = memory.recall(("tables", vpc.id), _routing, parts.vpc, _routing_parts(parts), parts.lists)
    numbered, routes, rules = tables
    local = memory.each(("local", vpc.id), interface_routes, parts.interfaces)
    sets = (
        *of_interfaces.senders(parts.doors, numbered),
        *of_interfaces.members(parts.members),
        *_group_sets(parts, catalog, memory),
        *_boundary_sets(parts, limits, catalog, memory),
        *address_sets("resolvers", resolver_addresses(vpc)),
        *turn_sets(parts.turns, numbered.of_turn, parts.interfaces, catalog, bounded),
    )
    return Namespace(
        name=vpc.id,
        sysctls=(*ipv6_settings(on=bool(vpc.ipv6_cidr_blocks), forwarding=True), *_ROUTER),
        addresses=_own_addresses(vpc, parts.subnets),
        routes=memory.same(("routes", vpc.id), joined((*local_routes(vpc), *parts.routes, *routes), local)),
        rules=rules,
        policy=PacketPolicy(
            skeleton=skeletons.TURNING_VPC if parts.turns else skeletons.VPC,
            sets=tuple(memory.same(("set", vpc.id, each.name), each) for each in sets),
            chains=(
                *memory.recall(("group chains", vpc.id), policy_chains, catalog, bool(parts.turns)),
                *memory.recall(("boundary chains", vpc.id), boundary_chains, limits),
                *turn_chains(parts.turns, numbered.of_turn),
            ),
        ),
    )


class _RoutingParts(NamedTuple):
    tables: tuple[RouteTable, ...]
    subnets: tuple[Subnet, ...]
    doors: tuple[Door, ...]
    hops: tuple[Hop, ...]
    turns: tuple[Turn, ...]


def _routing_parts(parts: VpcParts) -> _RoutingParts:
    return _RoutingParts(parts.tables, parts.subnets, parts.doors, parts.hops, parts.turns)


def _routing(
    vpc: Vpc,
    parts: _RoutingParts,
    lists: Mapping[str, PrefixList],
) -> tuple[Senders, tuple[Route, ...], tuple[RoutingRule, ...]]:
    tables, subnets, doors, hops, turns = parts
    by_target: dict[str, tuple[Hop, ...]] = {}
    for hop in hops:
        by_target[hop.target_id] = (*by_target.get(hop.target_id, ()), hop)
    zonal = frozenset(hop.target_id for hop in hops if hop.zone is not None)
    numbered = number_senders(vpc, tables, subnets, doors, lists, zonal, turns)
    routes, rules = table_routes(vpc, numbered, by_target, lists)
    back, back_rules = turn_routes(turns, numbered.of_turn)
    return numbered, (*routes, *back), (*rules, *back_rules)


def _group_sets(parts: VpcParts, catalog: Catalog, memory: Memory) -> Iterable[ElementSet]:
    vpc_id = parts.vpc.id
    yield from memory.recall(("verdicts", vpc_id), policy_verdicts, catalog)
    in_use = sorted({group for policy in catalog.own for group in policy.groups})
    for group in in_use:
        rules = parts.rules.get(group, ())
        yield from memory.recall(
            ("group", group), group_sets, group, rules, _lists_of(rules, parts.lists), catalog
        )
    own = {group: memory.recall(("open", group), open_rules, parts.rules.get(group, ())) for group in in_use}
    pieces = memory.recall(("untracked", vpc_id), untracked_pieces, catalog, own)
    yield from memory.recall(("untracked sets", vpc_id), untracked_sets, catalog, pieces)


def _lists_of(
    rules: Sequence[SecurityGroupRule], lists: Mapping[str, PrefixList]
) -> Mapping[str, PrefixList]:
    named = {rule.prefix_list_id for rule in rules if rule.prefix_list_id in lists}
    return {id: lists[id] for id in sorted(id for id in named if id)}


def _boundary_sets(
    parts: VpcParts, limits: Boundaries, catalog: Catalog, memory: Memory
) -> Iterable[ElementSet]:
    vpc_id = parts.vpc.id
    yield from memory.recall(("boundary verdicts", vpc_id), boundary_verdicts, catalog)
    yield from subnet_sets(limits, parts.interfaces, memory, vpc_id)
    for acl in limits.acls.values():
        yield from memory.recall(("acl", acl.id), acl_sets, acl)


def _own_addresses(vpc: Vpc, subnets: Iterable[Subnet]) -> tuple[str, ...]:
    """The router's address in each subnet, and the resolvers'."""
    ipv6 = bool(vpc.ipv6_cidr_blocks)
    gateways = [
        (f"{IPv4Network(s.cidr_block)[1]}/32",)
        + ((f"{IPv6Network(s.ipv6_cidr_block)[1]}/128",) if s.ipv6_cidr_block and ipv6 else ())
        for s in subnets
    ]
    resolvers = [f"{a}/{128 if ':' in a else 32}" for a in resolver_addresses(vpc)]
    return tuple(chain(*gateways, resolvers))
