"""Key policies: every key has exactly one, named default."""

from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.api.iam.document import check_resource_policy
from seawall.api.kms.names import find_key, require_own
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.wire.errors import ApiError

LONGEST_POLICY = 32768
_BYPASS = {"BypassPolicyLockoutSafetyCheck": "a policy that locks its writer out is accepted anyway"}


def default_policy(call: Call) -> str:
    """The account may do everything, that is: its IAM policies decide."""
    return _written(
        "key-default-1",
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{call.partition}:iam::{call.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
    )


def service_policy(call: Call, service: str) -> str:
    """Of an AWS managed key: everybody in the account may use it through its service, and only so."""
    account = f"arn:{call.partition}:iam::{call.account}:root"
    through = {
        "StringEquals": {
            "kms:CallerAccount": call.account,
            "kms:ViaService": f"{service}.{call.region}.amazonaws.com",
        }
    }
    use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant"]
    return _written(
        f"auto-{service}-2",
        {
            "Sid": "Allow access through the service for all principals in the account",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [*use, "kms:DescribeKey"],
            "Resource": "*",
            "Condition": through,
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": account},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
    )


def _written(id: str, *statements: dict[str, Any]) -> str:
    document = {"Version": "2012-10-17", "Id": id, "Statement": list(statements)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def checked_policy(text: str) -> str:
    """Raises ApiError MalformedPolicyDocumentException."""
    try:
        check_resource_policy(text)
    except ApiError as error:
        raise ApiError("MalformedPolicyDocumentException", error.message) from None
    return text


@operation("kms", "GetKeyPolicy")
def get_key_policy(call: Call, params: Params) -> dict[str, Any]:
    key = find_key(call, call.store, params["KeyId"], aliases=False)
    _only_default(params)
    return {"Policy": key.policy, "PolicyName": "default"}


@operation("kms", "PutKeyPolicy", stored=_BYPASS)
def put_key_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        key = require_own(call, find_key(call, txn, params["KeyId"], aliases=False))
        _only_default(params)
        txn.put(replace(key, policy=checked_policy(params["Policy"])))
    return {}


@operation("kms", "ListKeyPolicies")
def list_key_policies(call: Call, params: Params) -> dict[str, Any]:
    find_key(call, call.store, params["KeyId"], aliases=False)
    params.get("Limit"), params.get("Marker")  # there is one, whatever the page
    return {"PolicyNames": ["default"], "Truncated": False}


def _only_default(params: Params) -> None:
    if params.get("PolicyName", "default") != "default":
        raise ApiError("NotFoundException", "No such policy exists")
