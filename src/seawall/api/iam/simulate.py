"""The policy simulator: what policies would decide, without a call being made.

Source: "Testing IAM policies with the IAM policy simulator", IAM user guide; the service model of
SimulatePrincipalPolicy.  Decided by the same engine as every call.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from seawall.api.iam.document import check_identity_policy
from seawall.api.iam.names import find_group, find_role, find_user, no_such_entity, page_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.managed_policies import PREFIX
from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import Policy, PolicyError, named_policy
from seawall.iam.policy.evaluate import Decision, Match, Policies, Question, decide
from seawall.iam.policy.variables import keys_of
from seawall.iam.standing import boundary_policy, identity_policies
from seawall.model.arn import parse_arn
from seawall.model.group import Group
from seawall.model.role import Role
from seawall.model.user import User
from seawall.wire.errors import ApiError

Identity = User | Role | Group


class _Scene(NamedTuple):
    """What every question of one simulation has in common."""

    caller: Caller
    policies: Policies
    context: Mapping[str, tuple[str, ...]]


@operation(
    "iam",
    "SimulatePrincipalPolicy",
    note="PolicyExclusionList and ResourceHandlingOption are refused. Matched statements are named by policy,"
    " without their lines.",
)
def simulate_principal_policy(call: Call, params: Params) -> dict[str, Any]:
    identity = _identity(call, params["PolicySourceArn"])
    identity_own = identity_policies(call.store, identity)
    given = _given(params.get("PolicyInputList"), "PolicyInputList")
    boundary = None if isinstance(identity, Group) else boundary_policy(call.store, identity)
    if params.get("PermissionsBoundaryPolicyInputList"):
        boundary = _given(params["PermissionsBoundaryPolicyInputList"], "PermissionsBoundaryPolicyInputList")
    arn = params.get("CallerArn") or (None if isinstance(identity, Group) else params["PolicySourceArn"])
    scene = _scene(call, params, identity_own + given, boundary, arn)
    return _results(params, scene, "SimulatePrincipalPolicy")


@operation(
    "iam",
    "SimulateCustomPolicy",
    note="OrderedOrganizationPolicyInputList and ResourceHandlingOption are refused. Matched statements are "
    "named by policy, without their lines.",
)
def simulate_custom_policy(call: Call, params: Params) -> dict[str, Any]:
    identity = _given(params["PolicyInputList"], "PolicyInputList")
    boundary = None
    if params.get("PermissionsBoundaryPolicyInputList"):
        boundary = _given(params["PermissionsBoundaryPolicyInputList"], "PermissionsBoundaryPolicyInputList")
    scene = _scene(call, params, identity, boundary, params.get("CallerArn"))
    return _results(params, scene, "SimulateCustomPolicy")


@operation("iam", "GetContextKeysForPrincipalPolicy")
def get_context_keys_for_principal_policy(call: Call, params: Params) -> dict[str, Any]:
    own = identity_policies(call.store, _identity(call, params["PolicySourceArn"]))
    return {"ContextKeyNames": _keys(own + _given(params.get("PolicyInputList"), "PolicyInputList"))}


@operation("iam", "GetContextKeysForCustomPolicy")
def get_context_keys_for_custom_policy(call: Call, params: Params) -> dict[str, Any]:
    return {"ContextKeyNames": _keys(_given(params["PolicyInputList"], "PolicyInputList"))}


def _keys(policies: Iterable[Policy]) -> list[str]:
    return sorted({key for policy in policies for key in keys_of(policy.document)})


def _identity(call: Call, text: str) -> Identity:
    """Raises ApiError when the ARN is not one of a user, group or role."""
    arn = parse_arn(text)
    kind, _, rest = arn.resource.partition("/") if arn is not None else ("", "", "")
    name = rest.rsplit("/", 1)[-1]
    if arn is None or arn.service != "iam" or kind not in ("user", "role", "group"):
        raise ApiError(
            "InvalidInput", f"Invalid Entity Arn: {text} does not clearly define entity type and name."
        )
    if arn.account != call.account:
        raise no_such_entity(f"The {kind} with name {name} cannot be found.")
    if kind == "user":
        return find_user(call.store, name)
    return find_role(call.store, name) if kind == "role" else find_group(call.store, name)


def _given(texts: Sequence[str] | None, member: str) -> tuple[Policy, ...]:
    """Policies in the request, called as the simulator calls them: PolicyInputList.1, ..."""
    for text in texts or ():
        check_identity_policy(text)
    return tuple(named_policy(f"{member}.{number}", text) for number, text in enumerate(texts or (), 1))


def _scene(
    call: Call,
    params: Params,
    identity: tuple[Policy, ...],
    boundary: tuple[Policy, ...] | None,
    caller_arn: str | None,
) -> _Scene:
    resource: tuple[Policy, ...] = ()
    if params.get("ResourcePolicy"):
        try:
            resource = (named_policy("ResourcePolicy", params["ResourcePolicy"]),)
        except PolicyError as error:
            raise ApiError("InvalidInput", str(error)) from None
        if caller_arn is None:
            raise ApiError("InvalidInput", "CallerArn is required when ResourcePolicy is given.")
    params.get("ResourceOwner")  # the account's own: everything here has one owner
    for entry in params.get("ContextEntries") or ():
        entry.get("ContextKeyType")  # every operator reads the text by itself
    context = {
        entry["ContextKeyName"].lower(): tuple(entry.get("ContextKeyValues") or ())
        for entry in params.get("ContextEntries") or ()
    }
    caller = Caller(kind="user", account=call.account, arn=caller_arn or "")
    return _Scene(caller, Policies(identity=identity, resource=resource, boundary=boundary), context)


def _results(params: Params, scene: _Scene, name: str) -> dict[str, Any]:
    resources = params.get("ResourceArns") or ["*"]
    asked = [(action, resource) for action in params["ActionNames"] for resource in resources]
    for action, _ in asked:
        if ":" not in action:
            raise ApiError("InvalidInput", f"Invalid action name: {action}")
    page, more = page_of(params, name, sorted(asked), lambda pair: "\n".join(pair))
    return {"EvaluationResults": [_result(scene, *pair) for pair in page], **more}


def _result(scene: _Scene, action: str, resource: str) -> dict[str, Any]:
    question = Question(caller=scene.caller, action=action, resource=resource, context=scene.context)
    decision = decide(question, scene.policies)
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": _word(decision),
        "MatchedStatements": [_statement(match) for match in decision.matches],
        "MissingContextValues": _missing(scene),
    }
    if scene.policies.boundary is not None:
        alone = decide(question, Policies(identity=scene.policies.boundary))
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": alone.allowed}
    return result


def _word(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.explicit else "implicitDeny"


def _statement(match: Match) -> dict[str, Any]:
    if match.layer == "resource":
        kind = "resource"
    elif match.policy.startswith(PREFIX):
        kind = "aws-managed"
    elif match.policy.startswith("arn:"):
        kind = "user-managed"
    else:
        kind = "none"
    return {"SourcePolicyId": match.policy, "SourcePolicyType": kind}


def _missing(scene: _Scene) -> list[str]:
    """Keys that the policies ask about and the request does not give."""
    policies = (*scene.policies.identity, *scene.policies.resource, *(scene.policies.boundary or ()))
    return [key for key in _keys(policies) if key.lower() not in scene.context]
