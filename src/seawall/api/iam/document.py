"""Policy documents: JSON text that is kept as given, once its form is right."""

import re
from typing import Any

import msgspec

from seawall.iam.policy.document import PolicyError, parse_document
from seawall.wire.errors import ApiError

Statement = dict[str, Any]

VERSIONS = ("2012-10-17", "2008-10-17")
_KNOWN = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource"),
    "Condition",
}
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_SID = re.compile(r"[A-Za-z0-9]*")
_TRUST_ACTIONS = re.compile(r"(?i)sts:[A-Za-z*?]+|\*")


def check_identity_policy(text: str) -> None:
    """A policy of a user or role.  Raises ApiError MalformedPolicyDocument."""
    statements = _statements(text)
    for statement in statements:
        if "Principal" in statement or "NotPrincipal" in statement:
            raise _malformed("Policy document should not specify a principal.")
        _check_effect(statement)
        for action in _one_of(statement, "Action", "NotAction", "Policy statement must contain actions."):
            if not _ACTION.fullmatch(action):
                raise _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        for resource in _one_of(
            statement, "Resource", "NotResource", "Policy statement must contain resources."
        ):
            if resource != "*" and not resource.startswith(("arn:", "*")):
                raise _malformed(f'Resource {resource} must be in ARN format or "*".')
    _check_sids(statements)


def check_trust_policy(text: str) -> None:
    """Who may take on a role.  Raises ApiError MalformedPolicyDocument."""
    statements = _statements(text)
    for statement in statements:
        if "Resource" in statement or "NotResource" in statement:
            raise _malformed("Has prohibited field Resource")
        _check_effect(statement)
        principal = statement.get("Principal", statement.get("NotPrincipal"))
        if not principal:
            raise _malformed("Missing required field Principal")
        _check_principal(principal)
        for action in _one_of(statement, "Action", "NotAction", "Policy statement must contain actions."):
            if not _TRUST_ACTIONS.fullmatch(action):
                raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    _check_sids(statements)


def check_resource_policy(text: str) -> None:
    """A policy of a secret, key, bucket or VPC endpoint.  Raises ApiError MalformedPolicyDocument."""
    statements = _statements(text)
    for statement in statements:
        _check_effect(statement)
        principal = statement.get("Principal", statement.get("NotPrincipal"))
        if not principal:
            raise _malformed("Missing required field Principal")
        _check_principal(principal)
        for action in _one_of(statement, "Action", "NotAction", "Policy statement must contain actions."):
            if not _ACTION.fullmatch(action):
                raise _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        _one_of(statement, "Resource", "NotResource", "Policy statement must contain resources.")


def _malformed(text: str) -> ApiError:
    return ApiError("MalformedPolicyDocument", text)


def _statements(text: str) -> list[Statement]:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise _malformed("This policy contains invalid Json") from None
    if not isinstance(document, dict) or not set(document) <= {"Version", "Id", "Statement"}:
        raise _malformed("Syntax errors in policy.")
    if document.get("Version", VERSIONS[1]) not in VERSIONS:
        raise _malformed("Syntax errors in policy.")
    given = document.get("Statement")
    statements = [given] if isinstance(given, dict) else given
    if not isinstance(statements, list) or not statements:
        raise _malformed("Syntax errors in policy.")
    for statement in statements:
        if not isinstance(statement, dict) or not set(statement) <= _KNOWN:
            raise _malformed("Syntax errors in policy.")
    try:
        parse_document(text)
    except PolicyError as error:
        raise _malformed(str(error)) from None
    return statements


def _check_effect(statement: Statement) -> None:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed("Syntax errors in policy.")


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    kinds = {"AWS", "Service", "Federated", "CanonicalUser"}
    if not isinstance(principal, dict) or not set(principal) <= kinds:
        raise _malformed(f"Invalid principal in policy: {msgspec.json.encode(principal).decode()}")
    for named in principal.values():
        _texts(named)


def _one_of(statement: Statement, name: str, negated: str, missing: str) -> list[str]:
    """The texts of one of two members; exactly one of them must be there."""
    if name in statement and negated in statement:
        raise _malformed("Syntax errors in policy.")
    given = statement.get(name, statement.get(negated))
    if not given:
        raise _malformed(missing)
    return _texts(given)


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _malformed("Syntax errors in policy.")
    return texts


def _check_sids(statements: list[Statement]) -> None:
    sids = [statement["Sid"] for statement in statements if "Sid" in statement]
    if not all(isinstance(sid, str) and _SID.fullmatch(sid) for sid in sids):
        raise _malformed(
            "Statement IDs (SID) must be alpha-numeric."
            " Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )
    if len(set(sids)) != len(sids):
        raise _malformed("Statement IDs (SID) in a single policy must be unique.")
