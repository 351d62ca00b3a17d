"""What could let a packet through: for every cause a few changes, the smallest first.

`explain` tries them out.
"""

from collections.abc import Callable, Iterable

from seawall.compile.walk.change import Change
from seawall.compile.walk.cloud import Cloud
from seawall.compile.walk.packet import Explanation
from seawall.compile.walk.route_changes import add_route, mend_blackhole, route_to_vpc, use_nat_gateway
from seawall.compile.walk.rule_changes import allow_in_acl, allow_in_group
from seawall.compile.walk.transit_changes import add_transit_route, associate


def candidates(cloud: Cloud, cause: Explanation, *, answering: bool) -> list[Change]:
    """What may help against a cause.  `answering`: it was the answer that was dropped."""
    propose = _PROPOSERS.get(cause.code)
    return list(propose(cloud, cause, answering)) if propose else []


_PROPOSERS: dict[str, Callable[[Cloud, Explanation, bool], Iterable[Change]]] = {
    "ENI_SG_RULES_MISMATCH": allow_in_group,
    "SUBNET_ACL_RESTRICTION": allow_in_acl,
    "NO_ROUTE_TO_DESTINATION": add_route,
    "BAD_STATE_ROUTE": mend_blackhole,
    "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS": route_to_vpc,
    "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS": use_nat_gateway,
    "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION": associate,
    "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT": add_transit_route,
    "TGW_RTB_BAD_STATE_ROUTE": add_transit_route,
}
