"""How much of everything one account may have.

Source: AWS General Reference, "Elastic Load Balancing endpoints and quotas"; the codes are those that Service
Quotas lists.  What has no code here cannot be raised.
"""

from seawall.api.quota import Quota, limit, quota
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_SERVICE = "elasticloadbalancing"
APPLICATION_LOAD_BALANCERS = quota(_SERVICE, "L-53DA6B97", "Application Load Balancers per Region", 50)
NETWORK_LOAD_BALANCERS = quota(_SERVICE, "L-69A177A2", "Network Load Balancers per Region", 50)
TARGET_GROUPS = quota(_SERVICE, "L-B22855CB", "Target Groups per Region", 3000)
TARGETS_PER_GROUP = quota(_SERVICE, "L-A0D0B863", "Targets per Target Group per Region", 1000)
TARGETS_PER_ALB = quota(_SERVICE, "L-7E6692B2", "Targets per Application Load Balancer", 1000)
TARGETS_PER_NLB = quota(_SERVICE, "L-EEF1AD04", "Targets per Network Load Balancer", 3000)
TARGETS_PER_ZONE_OF_NLB = quota(
    _SERVICE, "L-B211E961", "Targets per Availability Zone per Network Load Balancer", 500
)
LISTENERS_PER_ALB = quota(_SERVICE, "L-B6DF7632", "Listeners per Application Load Balancer", 50)
RULES_PER_ALB = quota(_SERVICE, "L-7EED9B64", "Rules per Application Load Balancer", 100)
CERTIFICATES_PER_ALB = quota(_SERVICE, "L-9365A611", "Certificates per Application Load Balancer", 25)
CERTIFICATES_PER_NLB = quota(_SERVICE, "L-52964454", "Certificates per Network Load Balancer", 25)
ENIS_PER_VPC = quota(_SERVICE, "L-23568085", "Network Load Balancer ENIs per VPC", 1200)

LISTENERS_PER_NLB = 50
GROUPS_PER_ALB = 100
GROUPS_PER_ACTION_OF_ALB = 5
GROUPS_PER_ACTION_OF_NLB = 1
CONDITION_VALUES_PER_RULE = 5
WILDCARDS_PER_RULE = 5
TAGS_PER_RESOURCE = 50


def check_quota(reader: Reader, count: int, of: Quota, code: str, text: str) -> None:
    """Refuse when `count`, the number there would be, is above what the account may have.

    text    has {most} where the number is told
    Raises  ApiError(code).
    """
    check_count(count, limit(reader, of), code, text)


def check_count(count: int, most: int, code: str, text: str) -> None:
    """The same for what no quota names.  Raises ApiError(code)."""
    if count > most:
        raise ApiError(code, text.format(most=most))
