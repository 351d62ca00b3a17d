"""The names of load balancers and the addresses behind them now.

An internet-facing load balancer's name stands for public addresses, inside its VPC as well; an internal one's
for private addresses, which everybody may learn.  Nodes of zones that are not well are left out, unless none
is.  Sources: Application and Network Load Balancer guides, "DNS name" and "Zonal DNS"; AWS knowledge center,
"elb-dns-cross-zone-balance-configuration".
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seawall.model.balancer_health import is_well, used_groups, well_zones
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.network_interface import NetworkInterface
from seawall.model.target_group import Target, TargetGroup

TTL = 60


class BalancerName(msgspec.Struct, frozen=True, kw_only=True):
    """`addresses` are IPv4 ones, `addresses6` the others; `is_well` counts where a target's health does."""

    addresses: tuple[str, ...]
    addresses6: tuple[str, ...] = ()
    is_well: bool

    def values(self, type: str) -> tuple[str, ...]:
        """The data of records of a type."""
        return {"A": self.addresses, "AAAA": self.addresses6}.get(type, ())


def balancer_names(
    balancers: Iterable[LoadBalancer],
    listeners: Sequence[Listener],
    rules: Sequence[ListenerRule],
    groups: Sequence[TargetGroup],
    targets: Sequence[Target],
    interfaces: Mapping[str, NetworkInterface],
) -> dict[str, BalancerName]:
    """By name, in lower case and with the last dot.  Of `interfaces` (by id) the nodes' suffice."""
    found: dict[str, BalancerName] = {}
    for balancer in (b for b in balancers if not b.deleting):
        own = [each for each in listeners if each.load_balancer_id == balancer.id]
        ids = {listener.id for listener in own}
        used = used_groups(own, [rule for rule in rules if rule.listener_id in ids], groups)
        used_ids = {group.id for group in used}
        theirs = [target for target in targets if target.target_group_id in used_ids]
        nodes = {
            node.availability_zone: interfaces[node.network_interface_id]
            for node in balancer.nodes
            if balancer.state != "provisioning" and node.network_interface_id in interfaces
        }
        zones = well_zones(balancer, used, theirs)
        chosen = [node for zone, node in nodes.items() if zone in zones] or list(nodes.values())
        well = is_well(used, theirs)
        name = f"{balancer.dns_name.lower()}."
        found[name] = found[f"dualstack.{name}"] = _name(balancer, chosen, well)
        if balancer.type == "network":
            for zone, node in nodes.items():
                found[f"{zone}.{name}"] = _name(balancer, [node], well)
    return found


def _name(balancer: LoadBalancer, nodes: Iterable[NetworkInterface], well: bool) -> BalancerName:
    addresses: list[str] = []
    addresses6: list[str] = []
    for node in nodes:
        if balancer.scheme == "internal":
            addresses.append(node.private_ip_address)
        elif node.association is not None:
            addresses.append(node.association.public_ip)
        if balancer.ip_address_type.startswith("dualstack"):
            addresses6 += node.ipv6_addresses
    return BalancerName(addresses=tuple(addresses), addresses6=tuple(addresses6), is_well=well)
