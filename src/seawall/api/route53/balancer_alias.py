"""Aliases that lead to load balancers: their names lie in zones of Elastic Load Balancing's own."""

from seawall.api.elbv2.hosted_zones import canonical_zone
from seawall.model.balancer_names import BalancerName, balancer_names
from seawall.model.hosted_zone import RecordSet
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.network_interface import NetworkInterface
from seawall.model.target_group import Target, TargetGroup
from seawall.store.store import Reader

_TYPES = ("A", "AAAA")


def known_balancers(reader: Reader) -> dict[str, BalancerName]:
    """All names of load balancers that an alias may lead to."""
    balancers = reader.all(LoadBalancer)
    ids = [node.network_interface_id for balancer in balancers for node in balancer.nodes]
    interfaces = (reader.find(NetworkInterface, id) for id in ids)
    return balancer_names(
        balancers,
        reader.all(Listener),
        reader.all(ListenerRule),
        reader.all(TargetGroup),
        reader.all(Target),
        {interface.id: interface for interface in interfaces if interface is not None},
    )


def leads_to_balancers(record: RecordSet, region: str) -> bool:
    """Whether an alias is into a zone of load balancers."""
    zones = {canonical_zone("application", region), canonical_zone("network", region)}
    return record.alias is not None and record.alias.hosted_zone_id in zones


def balancer_alias_fault(reader: Reader, record: RecordSet, region: str) -> str | None:
    """What is wrong with an alias for which leads_to_balancers holds."""
    assert record.alias is not None
    target, zone = record.alias.dns_name, record.alias.hosted_zone_id
    tried = f"Tried to create an alias that targets {target}, type {record.type} in zone {zone}, but"
    domains = {
        canonical_zone("application", region): f".{region}.elb.",
        canonical_zone("network", region): f".elb.{region}.",
    }
    if domains[zone] not in target:
        return f"{tried} the alias target name does not lie within the target zone"
    if record.type not in _TYPES or target not in known_balancers(reader):
        return f"{tried} that target was not found"
    return None
