"""A smaller world in which the same still goes wrong."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import asdict, replace

from seawall.compile.network.snapshot import NetworkSnapshot

# Members of resources that may be shorter, by the snapshot's field.
SHORTER = {
    "vpcs": ("cidr_blocks", "ipv6_cidr_blocks"),
    "route_tables": ("routes", "associations"),
    "network_acls": ("entries", "associations"),
    "network_interfaces": ("group_ids", "secondary_addresses", "ipv6_addresses"),
    "prefix_lists": ("entries",),
    "transit_gateway_route_tables": ("routes", "propagations"),
}
SIMPLER: dict[str, dict[str, Any]] = {
    "network_interfaces": {"association": None, "source_dest_check": True},
    "subnets": {"ipv6_cidr_block": None},
}
# What lives and dies with something else: field, the member that names it.
HANGING = (
    ("subnets", "vpc_id"),
    ("route_tables", "vpc_id"),
    ("internet_gateways", "vpc_id"),
    ("egress_only_internet_gateways", "vpc_id"),
    ("security_groups", "vpc_id"),
    ("network_acls", "vpc_id"),
    ("network_interfaces", "subnet_id"),
    ("nat_gateways", "network_interface_id"),
    ("security_group_rules", "group_id"),
    ("security_group_rules", "referenced_group_id"),
    ("vpc_peering_connections", "requester_vpc_id"),
    ("vpc_peering_connections", "accepter_vpc_id"),
    ("transit_gateway_attachments", "vpc_id"),
    ("transit_gateway_attachments", "transit_gateway_id"),
    ("transit_gateway_route_tables", "transit_gateway_id"),
    ("vpc_endpoints", "vpc_id"),
)


def shrink(snapshot: NetworkSnapshot, still: Callable[[NetworkSnapshot], bool]) -> NetworkSnapshot:
    """The smallest world found for which `still` holds; it holds for `snapshot`."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in smaller_worlds(snapshot):
            if still(candidate):
                snapshot, smaller = candidate, True
                break
    return snapshot


def smaller_worlds(snapshot: NetworkSnapshot) -> Iterator[NetworkSnapshot]:
    """The largest steps first."""
    for field, resources in asdict(snapshot).items():
        if isinstance(resources, tuple):
            for resource in resources:
                yield _without(snapshot, field, resource)
    for field, members in SHORTER.items():
        for resource in getattr(snapshot, field):
            for member in members:
                for change in _shorter(resource, member):
                    yield _changed(snapshot, field, resource, change)
    for field, simple in SIMPLER.items():
        for resource in getattr(snapshot, field):
            for member, value in simple.items():
                if getattr(resource, member) != value:
                    yield _changed(snapshot, field, resource, replace(resource, **{member: value}))


def _shorter(resource: Any, member: str) -> Iterator[Any]:
    whole = getattr(resource, member)
    required = member in ("cidr_blocks", "group_ids")
    for position, one in enumerate(whole):
        is_born_with = getattr(one, "target_kind", "") == "local" or getattr(one, "main", False)
        if not is_born_with and not (required and len(whole) == 1):
            yield replace(resource, **{member: whole[:position] + whole[position + 1 :]})


def _changed(snapshot: NetworkSnapshot, field: str, old: Any, new: Any) -> NetworkSnapshot:
    return replace(snapshot, **{field: tuple(new if r is old else r for r in getattr(snapshot, field))})


def _without(snapshot: NetworkSnapshot, field: str, resource: Any) -> NetworkSnapshot:
    """The world without a resource and without all that hangs on it."""
    kept = tuple(r for r in getattr(snapshot, field) if r is not resource)
    snapshot = replace(snapshot, **{field: kept})
    for dependent, member in HANGING:
        for other in getattr(snapshot, dependent):
            if getattr(other, member) == resource.id and other in getattr(snapshot, dependent):
                snapshot = _without(snapshot, dependent, other)
    for interface in snapshot.network_interfaces:
        if resource.id in interface.group_ids and len(interface.group_ids) > 1:
            groups = tuple(g for g in interface.group_ids if g != resource.id)
            snapshot = _changed(
                snapshot, "network_interfaces", interface, replace(interface, group_ids=groups)
            )
        elif resource.id in interface.group_ids or (interface.owner and interface.owner.id == resource.id):
            snapshot = _without(snapshot, "network_interfaces", interface)
    return snapshot
