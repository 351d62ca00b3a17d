"""Why an interface cannot reach a VPC endpoint, in plain words with the ids to look at."""

from ipaddress import ip_address, ip_network

from seawall.compile.network.security_groups import allows
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.network_interface import NetworkInterface
from seawall.model.security_group import SecurityGroupRule


def endpoint_interface(
    snapshot: NetworkSnapshot, interface: NetworkInterface, address: str
) -> NetworkInterface | None:
    """The interface of a VPC endpoint that has `address` in the interface's own VPC."""
    for other in snapshot.network_interfaces:
        if other.vpc_id == interface.vpc_id and address in other.private_ip_addresses:
            return other if other.interface_type == "vpc_endpoint" else None
    return None


def missing_path_to_endpoint(
    snapshot: NetworkSnapshot, interface: NetworkInterface, endpoint: NetworkInterface, port: int
) -> str | None:
    """What keeps the interface from a TCP port of the endpoint's; None when no security group does.

    One sentence without a final full stop.
    """
    named = f"{endpoint.owner.id if endpoint.owner else endpoint.id} ({endpoint.private_ip_address})"
    if not _allowed(snapshot, interface, endpoint, port, is_egress=True):
        return f"no egress rule of {', '.join(interface.group_ids)} allows tcp {port} to {named}"
    if not _allowed(snapshot, endpoint, interface, port, is_egress=False):
        source = interface.private_ip_address
        return (
            f"no ingress rule of {', '.join(endpoint.group_ids)}, of {named}, allows tcp {port} from {source}"
        )
    return None


def _allowed(
    snapshot: NetworkSnapshot, own: NetworkInterface, peer: NetworkInterface, port: int, *, is_egress: bool
) -> bool:
    return any(
        rule.group_id in own.group_ids
        and rule.is_egress == is_egress
        and allows(rule, "tcp", port)
        and _means(snapshot, rule, peer)
        for rule in snapshot.security_group_rules
    )


def _means(snapshot: NetworkSnapshot, rule: SecurityGroupRule, peer: NetworkInterface) -> bool:
    if rule.referenced_group_id:
        return rule.referenced_group_id in peer.group_ids
    blocks = [rule.cidr_ipv4] if rule.cidr_ipv4 else []
    blocks += [
        entry.cidr
        for prefix_list in snapshot.prefix_lists
        if prefix_list.id == rule.prefix_list_id
        for entry in prefix_list.entries
    ]
    return any(ip_address(peer.private_ip_address) in ip_network(block) for block in blocks)
