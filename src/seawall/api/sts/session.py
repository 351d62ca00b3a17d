"""Who is calling, and temporary credentials: of roles, and of the caller."""

from typing import Any

from seawall.api.iam.document import check_identity_policy
from seawall.api.iam.policy import find_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.sealed_message import Unsealable, unseal
from seawall.iam.session import open_session, open_user_session
from seawall.model.access_key import RoleSession, UserSession
from seawall.model.arn import parse_arn
from seawall.model.resource import Tags
from seawall.model.role import Role
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

LONGEST_CHAINED_S = 3600  # a role session that takes on another role
LONGEST_ROOT_S = 3600
DEFAULT_USER_S = 43_200
MOST_SESSION_POLICIES = 10
MOST_SESSION_TAGS = 50


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, params: Params) -> dict[str, Any]:
    caller = call.principal
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


@operation(
    "sts",
    "AssumeRole",
    stored={"ExternalId": "the trust policy has been asked about it before (sts:ExternalId)"},
    note="Whether the caller may is decided by the role's trust policy and the caller's own. There are no "
    "devices: SerialNumber and TokenCode are refused. PackedPolicySize is not answered.",
)
def assume_role(call: Call, params: Params) -> dict[str, Any]:
    session_name, duration = params["RoleSessionName"], params.get("DurationSeconds", 3600)
    if call.principal.kind == "root":
        raise ApiError("AccessDenied", "Roles may not be assumed by root accounts.", status=403)
    policy, policy_arns = params.get("Policy"), _policy_arns(call, params)
    if policy is not None:
        check_identity_policy(policy)
    with call.write() as txn:
        role = _role(call, txn, params["RoleArn"])
        _check_duration(call, role, duration)
        before = txn.find(RoleSession, call.principal.access_key_id)
        tags, transitive = _session_tags(params, before)
        session = open_session(
            txn,
            role,
            session_name,
            call.now,
            duration,
            policy=policy,
            policy_arns=policy_arns,
            tags=tags,
            transitive_tag_keys=transitive,
            source_identity=_source_identity(params, before),
        )
    answer = {
        "Credentials": _credentials(session),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.role_id}:{session_name}",
            "Arn": call.arn(f"assumed-role/{role.id}/{session_name}", service="sts", region=""),
        },
    }
    return answer | ({"SourceIdentity": session.source_identity} if session.source_identity else {})


def role_name(account: str, text: str) -> str | None:
    """The role's name in its ARN; None for a role of another account.  Raises ApiError for other ARNs."""
    arn = parse_arn(text)
    if arn is None:
        raise ApiError("ValidationError", f"{text} is invalid")
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise ApiError("ValidationError", "Request ARN is invalid")
    return arn.resource.rsplit("/", 1)[-1] if arn.account == account else None


def _role(call: Call, reader: Reader, arn: str) -> Role:
    name = role_name(call.account, arn)
    role = reader.find(Role, name) if name else None
    if role is None or call.arn(role.resource, service="iam", region="") != arn:
        raise ApiError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            status=403,
        )
    return role


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


def _policy_arns(call: Call, params: Params) -> tuple[str, ...]:
    """Managed policies as session policies.  Raises ApiError when there is none of that ARN."""
    arns = tuple(given["arn"] for given in params.get("PolicyArns") or ())
    if len(arns) > MOST_SESSION_POLICIES:
        raise ApiError(
            "ValidationError",
            f"The number of session policies exceeds the quota of {MOST_SESSION_POLICIES}.",
        )
    for arn in arns:
        find_policy(call.store, arn)
    return arns


def _session_tags(params: Params, before: RoleSession | None) -> tuple[Tags, tuple[str, ...]]:
    """The tags of the new session and which of them its own sessions will inherit.

    before   the session that takes on the role: its transitive tags go along and cannot be changed
    """
    tags: Tags = {}
    for tag in params.get("Tags") or ():
        key, value = tag["Key"], tag["Value"]
        if key.lower() in {other.lower() for other in tags}:
            raise ApiError(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            )
        tags[key] = value
    if len(tags) > MOST_SESSION_TAGS:
        raise ApiError("ValidationError", f"The number of session tags exceeds {MOST_SESSION_TAGS}.")
    transitive = tuple(params.get("TransitiveTagKeys") or ())
    if not {key.lower() for key in transitive} <= {key.lower() for key in tags}:
        raise ApiError(
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        )
    if before is None:
        return tags, transitive
    inherited = {key.lower() for key in before.transitive_tag_keys}
    if inherited & {key.lower() for key in tags}:
        raise ApiError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag"
            " key from the calling session.",
        )
    kept = {key: value for key, value in before.tags.items() if key.lower() in inherited}
    return {**kept, **tags}, (*before.transitive_tag_keys, *transitive)


def _source_identity(params: Params, before: RoleSession | None) -> str | None:
    """Once set it goes along with every role that the session takes on, and stays."""
    given: str | None = params.get("SourceIdentity")
    kept = before.source_identity if before else None
    if given and kept and given != kept:
        raise ApiError("AccessDenied", "The source identity of a session cannot be changed.", status=403)
    return kept or given


@operation(
    "sts",
    "GetSessionToken",
    note="There are no devices: SerialNumber and TokenCode are refused, and the credentials open no IAM "
    "operation, as on AWS without a device.",
)
def get_session_token(call: Call, params: Params) -> dict[str, Any]:
    duration = params.get("DurationSeconds", DEFAULT_USER_S)
    caller = call.principal
    temporary = call.store.find(UserSession, caller.access_key_id)
    if caller.kind == "assumed-role" or temporary is not None:
        raise ApiError("AccessDenied", "Cannot call GetSessionToken with session credentials", status=403)
    if caller.kind == "root":
        duration = min(duration, LONGEST_ROOT_S)
    with call.write() as txn:
        session = open_user_session(txn, caller.name or None, call.now, duration)
    return {"Credentials": _credentials(session)}


@operation("sts", "DecodeAuthorizationMessage")
def decode_authorization_message(call: Call, params: Params) -> dict[str, Any]:
    try:
        return {"DecodedMessage": unseal(call.store, params["EncodedMessage"])}
    except Unsealable:
        raise ApiError("InvalidAuthorizationMessageException", "Message is not valid") from None


def _credentials(session: RoleSession | UserSession) -> dict[str, Any]:
    return {
        "AccessKeyId": session.id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.session_token,
        "Expiration": session.expiration,
    }
