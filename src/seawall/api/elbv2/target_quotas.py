"""How many targets all groups of a load balancer may have together."""

from collections import Counter

from seawall.api.elbv2.action_rules import groups_of
from seawall.api.elbv2.quotas import TARGETS_PER_ALB, TARGETS_PER_NLB, TARGETS_PER_ZONE_OF_NLB, check_quota
from seawall.model.load_balancer import LoadBalancer
from seawall.model.resource import Ref
from seawall.model.target_group import Target, TargetGroup
from seawall.store.store import Reader

TOO_MANY = "You've reached the limit on the number of targets"


def check_target_quotas(reader: Reader, balancer: LoadBalancer) -> None:
    """Raises ApiError TooManyTargets."""
    targets = [
        target
        for group in groups_of(reader, balancer)
        for target in reader.referrers(Target, Ref(TargetGroup.KIND, group))
    ]
    of = TARGETS_PER_ALB if balancer.type == "application" else TARGETS_PER_NLB
    check_quota(reader, len(targets), of, "TooManyTargets", TOO_MANY)
    if balancer.type == "network":
        most = max(Counter(target.availability_zone for target in targets).values(), default=0)
        check_quota(reader, most, TARGETS_PER_ZONE_OF_NLB, "TooManyTargets", TOO_MANY)
