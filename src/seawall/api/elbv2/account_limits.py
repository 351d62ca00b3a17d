"""DescribeAccountLimits: the quotas under the names this service gives them.

Source of the names: the command reference's example of its answer.
"""

from typing import Any

from seawall.api.elbv2 import quotas
from seawall.api.elbv2.paging import paged
from seawall.api.params import Params
from seawall.api.quota import Quota, limit
from seawall.api.registry import Call, operation

_LIMITS: dict[str, Quota | int] = {
    "application-load-balancers": quotas.APPLICATION_LOAD_BALANCERS,
    "certificates-per-application-load-balancer": quotas.CERTIFICATES_PER_ALB,
    "certificates-per-network-load-balancer": quotas.CERTIFICATES_PER_NLB,
    "condition-values-per-alb-rule": quotas.CONDITION_VALUES_PER_RULE,
    "condition-wildcards-per-alb-rule": quotas.WILDCARDS_PER_RULE,
    "listeners-per-application-load-balancer": quotas.LISTENERS_PER_ALB,
    "listeners-per-network-load-balancer": quotas.LISTENERS_PER_NLB,
    "network-load-balancer-enis-per-vpc": quotas.ENIS_PER_VPC,
    "network-load-balancers": quotas.NETWORK_LOAD_BALANCERS,
    "rules-per-application-load-balancer": quotas.RULES_PER_ALB,
    "target-groups": quotas.TARGET_GROUPS,
    "target-groups-per-action-on-application-load-balancer": quotas.GROUPS_PER_ACTION_OF_ALB,
    "target-groups-per-action-on-network-load-balancer": quotas.GROUPS_PER_ACTION_OF_NLB,
    "target-groups-per-application-load-balancer": quotas.GROUPS_PER_ALB,
    "targets-per-application-load-balancer": quotas.TARGETS_PER_ALB,
    "targets-per-availability-zone-per-network-load-balancer": quotas.TARGETS_PER_ZONE_OF_NLB,
    "targets-per-network-load-balancer": quotas.TARGETS_PER_NLB,
    "targets-per-target-group": quotas.TARGETS_PER_GROUP,
}


@operation("elbv2", "DescribeAccountLimits", note="Limits of gateway load balancers are not told.")
def describe_account_limits(call: Call, params: Params) -> dict[str, Any]:
    def shown(name: str) -> dict[str, str]:
        most = _LIMITS[name]
        return {"Name": name, "Max": str(most if isinstance(most, int) else limit(call.store, most))}

    return paged(params, "Limits", _LIMITS, lambda name: name, shown)
