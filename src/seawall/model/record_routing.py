"""Which of several record sets of one name and type answer, by their routing policy and health.

Source: Route 53 developer guide, "How Amazon Route 53 chooses records when health checking is configured".
"""

from collections.abc import Mapping, Sequence

from seawall.model.balancer_names import BalancerName
from seawall.model.health_check import HealthCheck, is_healthy
from seawall.model.hosted_zone import RecordSet

MOST_ALIASES = 8  # one leading to the next

RecordsByName = Mapping[tuple[str, str], Sequence[RecordSet]]  # of one zone, by name and type
Balancers = Mapping[str, BalancerName]  # by name


def answering(
    found: Sequence[RecordSet],
    zone: RecordsByName,
    checks: Mapping[str, HealthCheck],
    balancers: Balancers,
) -> list[RecordSet]:
    """Those among which an answer is chosen; where nothing is healthy, all count as if they were."""
    if len(found) < 2:
        return list(found)
    well = [record for record in found if _is_healthy(record, zone, checks, balancers)]
    if found[0].failover is not None:
        chosen = well or found
        return [next((r for r in chosen if r.failover == "PRIMARY"), chosen[0])]
    heavy = [record for record in well if record.weight]
    return heavy or well or list(found)


def _is_healthy(
    record: RecordSet,
    zone: RecordsByName,
    checks: Mapping[str, HealthCheck],
    balancers: Balancers,
    depth: int = 0,
) -> bool:
    if record.health_check_id is not None and not is_healthy(record.health_check_id, checks):
        return False
    if record.alias is None or not record.alias.evaluate_target_health or depth == MOST_ALIASES:
        return True
    if record.alias.dns_name in balancers:
        return balancers[record.alias.dns_name].is_well
    targets = zone.get((record.alias.dns_name, record.type), ())
    return any(_is_healthy(target, zone, checks, balancers, depth + 1) for target in targets)
