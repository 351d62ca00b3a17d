"""The policy of a secret: who else may use it."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.document import check_resource_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.secretsmanager.names import find_secret, living_secret, secret_arn
from seawall.iam.policy.document import parse_document
from seawall.wire.errors import ApiError

_PUBLIC = (
    "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to"
    " the secret."
)


@operation("secretsmanager", "PutResourcePolicy", refused={"PolicyName": "a secret has one policy"})
def put_resource_policy(call: Call, params: Params) -> dict[str, Any]:
    text = params["ResourcePolicy"]
    _check(text)
    if params.get("BlockPublicPolicy", False) and _is_public(text):
        raise ApiError("PublicPolicyException", _PUBLIC)
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        txn.put(replace(secret, policy=text))
    return {"ARN": secret_arn(call, secret), "Name": secret.id}


@operation("secretsmanager", "GetResourcePolicy", refused={"PolicyName": "a secret has one policy"})
def get_resource_policy(call: Call, params: Params) -> dict[str, Any]:
    secret = find_secret(call, call.store, params["SecretId"])
    told = {"ARN": secret_arn(call, secret), "Name": secret.id}
    return told | ({"ResourcePolicy": secret.policy} if secret.policy else {})


@operation("secretsmanager", "DeleteResourcePolicy", refused={"PolicyName": "a secret has one policy"})
def delete_resource_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        secret = living_secret(call, txn, params["SecretId"])
        txn.put(replace(secret, policy=None))
    return {"ARN": secret_arn(call, secret), "Name": secret.id}


@operation("secretsmanager", "ValidateResourcePolicy")
def validate_resource_policy(call: Call, params: Params) -> dict[str, Any]:
    if params.get("SecretId") is not None:
        find_secret(call, call.store, params["SecretId"])
    text = params["ResourcePolicy"]
    try:
        _check(text)
    except ApiError as error:
        problem = {"CheckName": "POLICY_SYNTAX", "ErrorMessage": error.message}
        return {"PolicyValidationPassed": False, "ValidationErrors": [problem]}
    if _is_public(text):
        problem = {"CheckName": "PUBLIC_ACCESS", "ErrorMessage": _PUBLIC}
        return {"PolicyValidationPassed": False, "ValidationErrors": [problem]}
    return {"PolicyValidationPassed": True, "ValidationErrors": []}


def _check(text: str) -> None:
    try:
        check_resource_policy(text)
    except ApiError as error:
        text = f"This resource policy contains invalid syntax: {error.message}"
        raise ApiError("MalformedPolicyDocumentException", text) from None


def _is_public(text: str) -> bool:
    """Whether it lets in anybody without a condition."""
    return any(
        statement.effect == "Allow"
        and not statement.conditions
        and any(name == "*" for _, name in statement.principals or ())
        for statement in parse_document(text).statements
    )
