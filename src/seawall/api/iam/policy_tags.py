"""Tags of the account's own managed policies."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.names import listed, page_of, tags_of
from seawall.api.iam.policy import find_policy, own_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation


@operation("iam", "TagPolicy")
def tag_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        policy = own_policy(txn, params["PolicyArn"])
        txn.put(replace(policy, tags=tags_of(params["Tags"], policy.tags)))
    return {}


@operation("iam", "UntagPolicy")
def untag_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        policy = own_policy(txn, params["PolicyArn"])
        gone = params["TagKeys"]
        txn.put(replace(policy, tags={key: text for key, text in policy.tags.items() if key not in gone}))
    return {}


@operation("iam", "ListPolicyTags")
def list_policy_tags(call: Call, params: Params) -> dict[str, Any]:
    tags = sorted(listed(find_policy(call.store, params["PolicyArn"]).tags), key=lambda tag: tag["Key"])
    page, more = page_of(params, "ListPolicyTags", tags, lambda tag: tag["Key"])
    return {"Tags": page, **more}
