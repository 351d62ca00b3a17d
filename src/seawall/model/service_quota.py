"""A quota that was raised, and the requests that raised it."""

from datetime import datetime

from seawall.model.resource import Resource, kind


@kind("service_quota")
class AppliedQuota(Resource, frozen=True, kw_only=True):
    """`id` is the quota's code; a quota that was never raised has its default value and no document."""

    value: int


@kind("quota_request")
class QuotaRequest(Resource, frozen=True, kw_only=True):
    """A request for a higher value.  It is granted at once."""

    quota_code: str
    desired_value: float
    requester: str
    created: datetime
