"""Why an interface cannot reach the internet, in plain words with the ids to look at."""

from collections.abc import Iterable

from seawall.compile.network.routing import table_of_subnet
from seawall.compile.network.security_groups import allows
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import Route, RouteTable

HTTPS = 443


def missing_path_to_internet(snapshot: NetworkSnapshot, interface: NetworkInterface) -> str | None:
    """What keeps the interface from https on the internet; None when nothing in the VPC does.

    One sentence without a final full stop, e.g. "route table rtb-1 of subnet subnet-1 has no route for
    0.0.0.0/0".  Looked at in the order a packet meets them: security groups, route table, its target.
    """
    rules = [r for r in snapshot.security_group_rules if r.group_id in interface.group_ids and r.is_egress]
    if not any(allows(rule, "tcp", HTTPS) and rule.cidr_ipv4 for rule in rules):
        groups = ", ".join(interface.group_ids)
        return f"no egress rule of {groups} allows tcp {HTTPS} to any address outside of security groups"
    return _missing_route(snapshot, interface.subnet_id, interface.vpc_id, _has_public(snapshot, interface))


def _missing_route(
    snapshot: NetworkSnapshot, subnet_id: str, vpc_id: str, public: bool, *, behind: str = ""
) -> str | None:
    """`behind` names the NAT gateway whose own subnet is looked at."""
    table = table_of_subnet(subnet_id, (t for t in snapshot.route_tables if t.vpc_id == vpc_id))
    prefix = f"{behind} is in subnet {subnet_id}, but " if behind else ""
    if table is None:
        return f"{prefix}subnet {subnet_id} has no route table"
    route = _default_route(table)
    where = f"route table {table.id} of subnet {subnet_id}"
    if route is None:
        wanted = "an internet gateway" if behind else "a NAT gateway or an internet gateway"
        return f"{prefix}{where} has no route for 0.0.0.0/0 (to {wanted})"
    named = f"{where} sends {route.destination} to {route.target_id}"
    if route.target_kind == "internet_gateway":
        if not any(g.id == route.target_id and g.vpc_id == vpc_id for g in snapshot.internet_gateways):
            return f"{prefix}{named}, which is not attached to {vpc_id}"
        if not public:
            return f"{prefix}{named}, but the interface has no public address; an internet gateway needs one"
        return None
    if route.target_kind == "nat_gateway" and not behind:
        return _missing_behind_nat(snapshot, route.target_id, vpc_id, named)
    return f"{prefix}{named}, which does not lead to the internet"


def _missing_behind_nat(snapshot: NetworkSnapshot, nat_id: str, vpc_id: str, named: str) -> str | None:
    nat = next((n for n in snapshot.nat_gateways if n.id == nat_id), None)
    if nat is None or nat.vpc_id != vpc_id:
        return f"{named}, which does not exist in {vpc_id}"
    if nat.state != "available":
        return f"{named}, whose state is {nat.state}"
    if nat.connectivity_type == "private":
        return f"{named}, a private NAT gateway, which has no public address"
    return _missing_route(
        snapshot, nat.subnet_id, vpc_id, _nat_has_public(snapshot, nat), behind=f"NAT gateway {nat.id}"
    )


def _default_route(table: RouteTable) -> Route | None:
    """The widest route that leaves the VPC: the default route, else one that covers half of everything."""
    outward = [
        (int(r.destination.rsplit("/", 1)[1]), r)
        for r in table.routes
        if r.target_kind != "local" and "." in r.destination
    ]
    length, route = min(outward, key=lambda pair: pair[0], default=(32, None))
    return route if length <= 1 else None


def _has_public(snapshot: NetworkSnapshot, interface: NetworkInterface) -> bool:
    addresses: Iterable[str | None] = (e.network_interface_id for e in snapshot.elastic_ips)
    return interface.association is not None or interface.id in addresses


def _nat_has_public(snapshot: NetworkSnapshot, nat: NatGateway) -> bool:
    interface = next((i for i in snapshot.network_interfaces if i.id == nat.network_interface_id), None)
    return interface is not None and _has_public(snapshot, interface)
