"""What the operations of STS ask permission for.

Source: "Actions, resources, and condition keys for AWS Security Token Service".
"""

from collections.abc import Iterable, Sequence

from seawall.api.sts.session import role_name
from seawall.iam.access import CallFacts, Context, Plain, Resources, access, also
from seawall.iam.policy.document import Policy, named_policy
from seawall.model.arn import parse_arn
from seawall.model.role import Role


def _role(params: Plain, facts: CallFacts) -> list[str]:
    """Raises ApiError ValidationError for what is no role's ARN."""
    role_name(facts.account, params["RoleArn"])
    return [params["RoleArn"]]


def _trust(params: Plain, facts: CallFacts) -> Iterable[Policy]:
    """The role's own word on who may take it on; nobody's where there is no such role."""
    arn = parse_arn(params["RoleArn"])
    role = facts.store.find(Role, arn.resource.rsplit("/", 1)[-1]) if arn else None
    if role is None or facts.arn("iam", role.resource, region="") != params["RoleArn"]:
        return []
    return [named_policy("trust policy", role.assume_role_policy_document)]


def _context(params: Plain, facts: CallFacts) -> Context:
    keys: dict[str, str | Sequence[str]] = {"sts:RoleSessionName": params["RoleSessionName"]}
    if params.get("ExternalId") is not None:
        keys["sts:ExternalId"] = params["ExternalId"]
    if params.get("SourceIdentity") is not None:
        keys["sts:SourceIdentity"] = params["SourceIdentity"]
    if params.get("TransitiveTagKeys"):
        keys["sts:TransitiveTagKeys"] = params["TransitiveTagKeys"]
    return keys


def _role_if(member: str) -> Resources:
    """The role, if the request has this member."""
    return lambda params, facts: _role(params, facts) if params.get(member) else []


access("sts", "GetCallerIdentity", free=True)
access("sts", "GetSessionToken", free=True)  # "no permissions are required"; policies cannot control it
access("sts", "AssumeRole", resources=_role, context=_context, resource_policies=_trust, governed=True)
for _member, _action in (("Tags", "sts:TagSession"), ("SourceIdentity", "sts:SetSourceIdentity")):
    also(
        "sts",
        "AssumeRole",
        action=_action,
        resources=_role_if(_member),
        context=_context,
        resource_policies=_trust,
        governed=True,
    )
