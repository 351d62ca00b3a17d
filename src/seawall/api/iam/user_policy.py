"""The policies of a user."""

from typing import Any

from seawall.api.iam.identity_policy import (
    USER,
    attached_below,
    describe_attached,
    inline_document,
    with_attached,
    with_inline,
    without_attached,
    without_inline,
)
from seawall.api.iam.names import NOT_ENFORCED, encoded, find_user, page_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation


@operation("iam", "PutUserPolicy", note=NOT_ENFORCED)
def put_user_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        txn.put(with_inline(user, params["PolicyName"], params["PolicyDocument"], USER))
    return {}


@operation("iam", "GetUserPolicy")
def get_user_policy(call: Call, params: Params) -> dict[str, Any]:
    user, name = find_user(call.store, params["UserName"]), params["PolicyName"]
    document = encoded(inline_document(user, name, USER))
    return {"UserName": user.id, "PolicyName": name, "PolicyDocument": document}


@operation("iam", "ListUserPolicies")
def list_user_policies(call: Call, params: Params) -> dict[str, Any]:
    names = sorted(find_user(call.store, params["UserName"]).inline_policies)
    page, more = page_of(params, "ListUserPolicies", names, str)
    return {"PolicyNames": page, **more}


@operation("iam", "DeleteUserPolicy")
def delete_user_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        txn.put(without_inline(user, params["PolicyName"], USER))
    return {}


@operation("iam", "AttachUserPolicy", note=NOT_ENFORCED)
def attach_user_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        txn.put(with_attached(txn, user, params["PolicyArn"], USER))
    return {}


@operation("iam", "DetachUserPolicy")
def detach_user_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        user = find_user(txn, params["UserName"])
        txn.put(without_attached(user, params["PolicyArn"]))
    return {}


@operation("iam", "ListAttachedUserPolicies")
def list_attached_user_policies(call: Call, params: Params) -> dict[str, Any]:
    user = find_user(call.store, params["UserName"])
    attached = attached_below(user, params.get("PathPrefix", "/"))
    page, more = page_of(params, "ListAttachedUserPolicies", attached, str)
    return {"AttachedPolicies": describe_attached(page), **more}
