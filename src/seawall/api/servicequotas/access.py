"""What the operations of Service Quotas ask permission for.

Source: "Actions, resources, and condition keys for Service Quotas".
"""

from seawall.iam.access import CallFacts, Context, Plain, access


def _quota(params: Plain, facts: CallFacts) -> list[str]:
    return [facts.arn("servicequotas", f"{params['ServiceCode']}/{params['QuotaCode']}")]


def _service(params: Plain, facts: CallFacts) -> Context:
    return {"servicequotas:service": params["ServiceCode"]}


for _operation in ("GetServiceQuota", "RequestServiceQuotaIncrease"):
    access("service-quotas", _operation, resources=_quota, context=_service)
