"""Who is calling, and temporary credentials of a role."""

from typing import Any

from seawall.api.iam.document import check_identity_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.session import open_session
from seawall.model.arn import parse_arn
from seawall.model.role import Role
from seawall.wire.errors import ApiError

LONGEST_CHAINED_S = 3600  # a role session that takes on another role


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, params: Params) -> dict[str, Any]:
    caller = call.principal
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


@operation(
    "sts",
    "AssumeRole",
    stored={
        "ExternalId": "trust policies are recorded, their conditions are not evaluated yet",
        "Tags": "session tags matter to policy decisions only, which are not enforced yet",
        "TransitiveTagKeys": "session tags matter to policy decisions only, which are not enforced yet",
        "Policy": "checked for form; policy decisions are not enforced yet",
        "PolicyArns": "policy decisions are not enforced yet",
    },
    note=(
        "The role must exist and the session not be longer than it allows; root may not assume roles, as on "
        "AWS.  Whether the trust policy names the caller is not enforced yet."
    ),
)
def assume_role(call: Call, params: Params) -> dict[str, Any]:
    name = _role_name(call, params["RoleArn"])
    session_name, duration = params["RoleSessionName"], params.get("DurationSeconds", 3600)
    if call.principal.kind == "root":
        raise ApiError("AccessDenied", "Roles may not be assumed by root accounts.", status=403)
    if params.get("Policy") is not None:
        check_identity_policy(params["Policy"])
    with call.write() as txn:
        role = txn.find(Role, name) if name else None
        if role is None or call.arn(role.resource, service="iam", region="") != params["RoleArn"]:
            raise ApiError(
                "AccessDenied",
                f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole"
                f" on resource: {params['RoleArn']}",
                status=403,
            )
        _check_duration(call, role, duration)
        session = open_session(txn, role, session_name, call.now, duration)
    return {
        "Credentials": {
            "AccessKeyId": session.id,
            "SecretAccessKey": session.secret,
            "SessionToken": session.session_token,
            "Expiration": session.expiration,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.role_id}:{session_name}",
            "Arn": call.arn(f"assumed-role/{role.id}/{session_name}", service="sts", region=""),
        },
    }


def _role_name(call: Call, text: str) -> str | None:
    """The role's name in its ARN; None for a role of another account.  Raises ApiError for other ARNs."""
    arn = parse_arn(text)
    if arn is None:
        raise ApiError("ValidationError", f"{text} is invalid")
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise ApiError("ValidationError", "Request ARN is invalid")
    return arn.resource.rsplit("/", 1)[-1] if arn.account == call.account else None


def _check_duration(call: Call, role: Role, duration_s: int) -> None:
    if call.principal.kind == "assumed-role" and duration_s > LONGEST_CHAINED_S:
        raise ApiError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit"
            " for roles assumed by role chaining.",
        )
    if duration_s > role.max_session_duration:
        raise ApiError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
