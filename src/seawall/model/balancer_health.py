"""Which zones of a load balancer are well, by the health of its targets: DNS answers by that.

A zone is well where each target group has enough healthy targets, in the zone itself or, where it balances
across zones, anywhere.  Sources: Elastic Load Balancing guides, "Target group health" and "Cross-zone load
balancing"; Route 53 API reference, "AliasTarget" (EvaluateTargetHealth).
"""

from collections.abc import Iterable, Sequence

from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import Target, TargetGroup

EVERYWHERE = "all"  # the zone of targets outside the VPC
_THRESHOLD = "target_group_health.dns_failover.minimum_healthy_targets"


def used_groups(
    listeners: Iterable[Listener], rules: Iterable[ListenerRule], groups: Iterable[TargetGroup]
) -> list[TargetGroup]:
    """Those that these listeners and rules forward to."""
    actions = [action for listener in listeners for action in listener.default_actions]
    actions += [action for rule in rules for action in rule.actions]
    named = {group.target_group_id for action in actions for group in action.target_groups}
    return [group for group in groups if group.id in named]


def crosses_zones(balancer: LoadBalancer, group: TargetGroup) -> bool:
    """Whether nodes use targets of other zones; an application load balancer's do unless a group says no."""
    own = group.attributes.get("load_balancing.cross_zone.enabled", "use_load_balancer_configuration")
    if own == "use_load_balancer_configuration":
        usual = "true" if balancer.type == "application" else "false"
        own = balancer.attributes.get("load_balancing.cross_zone.enabled", usual)
    return own == "true"


def well_zones(
    balancer: LoadBalancer, groups: Sequence[TargetGroup], targets: Sequence[Target]
) -> frozenset[str]:
    """`groups` are those it uses, `targets` theirs."""
    zones = {node.availability_zone for node in balancer.nodes}
    return frozenset(
        zone for zone in zones if all(_is_enough(balancer, group, zone, targets) for group in groups)
    )


def is_well(groups: Sequence[TargetGroup], targets: Sequence[Target]) -> bool:
    """What Route 53 takes the health of a load balancer for: each group has a healthy target."""
    healthy = {target.target_group_id for target in targets if target.state == "healthy"}
    return all(group.id in healthy for group in groups)


def _is_enough(balancer: LoadBalancer, group: TargetGroup, zone: str, targets: Sequence[Target]) -> bool:
    anywhere = crosses_zones(balancer, group)
    mine = [
        target
        for target in targets
        if target.target_group_id == group.id
        and target.draining_until is None
        and (anywhere or target.availability_zone in (zone, EVERYWHERE))
    ]
    healthy = sum(target.state == "healthy" for target in mine)
    count = group.attributes.get(f"{_THRESHOLD}.count", "1")
    percentage = group.attributes.get(f"{_THRESHOLD}.percentage", "off")
    if count != "off" and healthy < int(count):
        return False
    return percentage == "off" or healthy * 100 >= int(percentage) * len(mine)
