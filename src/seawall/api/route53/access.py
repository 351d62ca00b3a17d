"""What the operations of Route 53 ask permission for.

Source: "Actions, resources, and condition keys for Amazon Route 53".
"""

from collections.abc import Sequence

from seawall.iam.access import CallFacts, Context, Plain, Resources, access, also


def _arn(facts: CallFacts, kind: str, text: str) -> str:
    """Without region and account; ids may come with a path before them."""
    return f"arn:{facts.partition}:route53:::{kind}/{text.rsplit('/', 1)[-1]}"


def _of(kind: str, member: str) -> Resources:
    return lambda params, facts: [_arn(facts, kind, params[member])] if params.get(member) else []


def _tagged(params: Plain, facts: CallFacts) -> list[str]:
    ids = params.get("ResourceIds") or [params.get("ResourceId") or ""]
    return [_arn(facts, params["ResourceType"], one) for one in ids]


def _records(params: Plain, facts: CallFacts) -> Context:
    """Names are compared in lower case, without the dot at their end."""
    changes = params["ChangeBatch"]["Changes"]
    records = [change["ResourceRecordSet"] for change in changes]
    names = [str(record["Name"]).lower().rstrip(".") for record in records]
    return {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": list(dict.fromkeys(names)),
        "route53:ChangeResourceRecordSetsRecordTypes": list(dict.fromkeys(r["Type"] for r in records)),
        "route53:ChangeResourceRecordSetsActions": list(dict.fromkeys(c["Action"] for c in changes)),
    }


def _vpc(params: Plain, facts: CallFacts) -> Context:
    vpc = params.get("VPC") or {"VPCId": params.get("VPCId"), "VPCRegion": params.get("VPCRegion")}
    keys: dict[str, str | Sequence[str]] = {}
    if vpc.get("VPCId"):
        keys["route53:VPCs"] = [f"VPCId={vpc['VPCId']},VPCRegion={vpc.get('VPCRegion') or facts.region}"]
    return keys


def _any_vpc(params: Plain, facts: CallFacts) -> list[str]:
    """A private zone's maker must be able to see VPCs."""
    return ["*"] if (params.get("VPC") or {}).get("VPCId") else []


for _operation, _kind, _member in (
    ("AssociateVPCWithHostedZone", "hostedzone", "HostedZoneId"),
    ("ChangeResourceRecordSets", "hostedzone", "HostedZoneId"),
    ("DeleteHostedZone", "hostedzone", "Id"),
    ("DisassociateVPCFromHostedZone", "hostedzone", "HostedZoneId"),
    ("GetDNSSEC", "hostedzone", "HostedZoneId"),
    ("GetHostedZone", "hostedzone", "Id"),
    ("ListResourceRecordSets", "hostedzone", "HostedZoneId"),
    ("UpdateHostedZoneComment", "hostedzone", "Id"),
    ("GetChange", "change", "Id"),
    ("DeleteHealthCheck", "healthcheck", "HealthCheckId"),
    ("GetHealthCheck", "healthcheck", "HealthCheckId"),
    ("GetHealthCheckLastFailureReason", "healthcheck", "HealthCheckId"),
    ("GetHealthCheckStatus", "healthcheck", "HealthCheckId"),
    ("UpdateHealthCheck", "healthcheck", "HealthCheckId"),
):
    _context = {
        "ChangeResourceRecordSets": _records,
        "AssociateVPCWithHostedZone": _vpc,
        "DisassociateVPCFromHostedZone": _vpc,
    }.get(_operation)
    access("route53", _operation, resources=_of(_kind, _member), context=_context)
for _operation in ("CreateHostedZone", "ListHostedZonesByVPC"):
    access("route53", _operation, context=_vpc)
for _operation in ("ChangeTagsForResource", "ListTagsForResource", "ListTagsForResources"):
    access("route53", _operation, resources=_tagged)
for _operation in ("CreateHostedZone", "AssociateVPCWithHostedZone"):
    also("route53", _operation, action="ec2:DescribeVpcs", resources=_any_vpc)
