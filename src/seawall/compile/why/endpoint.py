"""A VPC endpoint that would lead to a service which nothing else leads to."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import msgspec
from msgspec.structs import replace

from seawall.compile.network.security_groups import allows
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.change import put
from seawall.compile.walk.cloud import Cloud
from seawall.model.endpoint_service import SERVICES, EndpointService
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import Route, RouteTable
from seawall.model.vpc_endpoint import VpcEndpoint

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_REGISTRIES = ("ecr.api", "ecr.dkr")


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True):
    """certain   `effect` is all that the commands do to the network
    registry  the VPC reaches the image registry over endpoints: S3 is what is left
    """

    service: str
    commands: tuple[str, ...]
    effect: Callable[[NetworkSnapshot], NetworkSnapshot]
    certain: bool
    registry: bool = False

    def preferred(self, others: Sequence[str]) -> bool:
        """Whether an endpoint is a smaller change than these, or all there is."""
        return not others or self.registry or any("create-nat-gateway" in command for command in others)


def endpoint_change(
    snapshot: NetworkSnapshot, interface: NetworkInterface, host: str
) -> EndpointChange | None:
    """None where the host is none of an endpoint service, or the VPC has such an endpoint."""
    service = next((s for s in SERVICES if _serves(s, host, snapshot.region)), None)
    table = Cloud(snapshot).table_of(interface.subnet_id)
    if service is None or table is None:
        return None
    name = service.service_name(snapshot.region)
    there = [e for e in _endpoints(snapshot, interface.vpc_id) if e.service_name == name]
    if service.endpoint_type == "Gateway":
        return _gateway(snapshot, interface, table, name, there)
    return None if there else _interface(snapshot, interface, name)


def _serves(service: EndpointService, host: str, region: str) -> bool:
    """S3's buckets have names below the service's own."""
    names = service.public_names(region)
    below = (f".{names[0]}",) if service.wildcard or service.endpoint_type == "Gateway" else ()
    return host in names or host.endswith(below or ("\0",))


def _endpoints(snapshot: NetworkSnapshot, vpc_id: str) -> list[VpcEndpoint]:
    gone = ("deleting", "deleted", "failed")
    return [e for e in snapshot.vpc_endpoints if e.vpc_id == vpc_id and e.state not in gone]


def _gateway(
    snapshot: NetworkSnapshot,
    interface: NetworkInterface,
    table: RouteTable,
    name: str,
    there: Sequence[VpcEndpoint],
) -> EndpointChange | None:
    listed = next((p for p in snapshot.prefix_lists if p.name == name), None)
    endpoint = there[0] if there else None
    if listed is None or (endpoint is not None and table.id in endpoint.route_table_ids):
        return None
    if endpoint is None:
        endpoint = VpcEndpoint(
            id="vpce-new",
            vpc_id=interface.vpc_id,
            service_name=name,
            endpoint_type="Gateway",
            create_time=_EPOCH,
        )
        command = (
            f"aws ec2 create-vpc-endpoint --vpc-id {interface.vpc_id} --vpc-endpoint-type Gateway"
            f" --service-name {name} --route-table-ids {table.id}"
        )
    else:
        command = (
            f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint.id} --add-route-table-ids {table.id}"
        )
    made = replace(endpoint, route_table_ids=(*endpoint.route_table_ids, table.id))
    route = Route(destination=listed.id, target_kind="vpc_endpoint", target_id=made.id)
    routed = replace(table, routes=(*table.routes, route))
    registries = tuple(f".{registry}" for registry in _REGISTRIES)
    return EndpointChange(
        service=name,
        commands=(command,),
        effect=lambda before: put(put(before, "vpc_endpoints", made), "route_tables", routed),
        certain=True,
        registry=any(e.service_name.endswith(registries) for e in _endpoints(snapshot, interface.vpc_id)),
    )


def _interface(snapshot: NetworkSnapshot, interface: NetworkInterface, name: str) -> EndpointChange:
    """In the task's subnet, with a group that lets the task in; one of another endpoint where there is."""
    used = [g for e in _endpoints(snapshot, interface.vpc_id) for g in e.group_ids]
    fitting = next((g for g in dict.fromkeys(used) if _lets_in(snapshot, g, interface)), None)
    commands = []
    group = fitting or interface.group_ids[0]
    if fitting is None and not _lets_in(snapshot, group, interface):
        commands.append(
            f"aws ec2 authorize-security-group-ingress --group-id {group} --protocol tcp --port 443"
            f" --source-group {group}"
        )
    commands.append(
        f"aws ec2 create-vpc-endpoint --vpc-id {interface.vpc_id} --vpc-endpoint-type Interface"
        f" --service-name {name} --subnet-ids {interface.subnet_id} --security-group-ids {group}"
        " --private-dns-enabled"
    )
    return EndpointChange(service=name, commands=tuple(commands), effect=lambda before: before, certain=False)


def _lets_in(snapshot: NetworkSnapshot, group: str, interface: NetworkInterface) -> bool:
    return any(
        rule.group_id == group
        and not rule.is_egress
        and allows(rule, "tcp", 443)
        and (rule.referenced_group_id in interface.group_ids or rule.cidr_ipv4 == "0.0.0.0/0")
        for rule in snapshot.security_group_rules
    )
