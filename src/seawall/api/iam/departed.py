"""What policies that name a user or a role say once it is deleted.

Whoever comes later under the same name is somebody else: in the Principal of every policy the ARN becomes the
unique id of the one that is gone, which nobody has again.
Source: "AWS JSON policy elements: Principal", IAM user guide.
"""

import json
from typing import Any

from msgspec.structs import replace

from seawall.model.bucket import Bucket
from seawall.model.kms_key import KmsKey
from seawall.model.role import Role
from seawall.model.secret import Secret
from seawall.store.store import Transaction


def forget_principal(txn: Transaction, arn: str, unique_id: str) -> None:
    """Put `unique_id` in the place of `arn` in trust policies and in those of buckets, secrets and keys."""
    for role in txn.all(Role):
        if (text := _without(role.assume_role_policy_document, arn, unique_id)) is not None:
            txn.put(replace(role, assume_role_policy_document=text))
    for key in txn.all(KmsKey):
        if (text := _without(key.policy, arn, unique_id)) is not None:
            txn.put(replace(key, policy=text))
    for bucket in txn.all(Bucket):
        if bucket.policy and (text := _without(bucket.policy, arn, unique_id)) is not None:
            txn.put(replace(bucket, policy=text))
    for secret in txn.all(Secret):
        if secret.policy and (text := _without(secret.policy, arn, unique_id)) is not None:
            txn.put(replace(secret, policy=text))


def _without(text: str, arn: str, unique_id: str) -> str | None:
    """The policy with the id for the ARN; None when it does not name it."""
    if arn not in text:
        return None
    document = json.loads(text)
    listed = document.get("Statement", [])
    changed = False
    for statement in listed if isinstance(listed, list) else [listed]:
        for element in ("Principal", "NotPrincipal"):
            changed |= _renamed(statement.get(element), arn, unique_id)
    return json.dumps(document) if changed else None


def _renamed(principal: Any, arn: str, unique_id: str) -> bool:
    """Change a Principal element in place; whether it named the ARN."""
    named = principal.get("AWS") if isinstance(principal, dict) else None
    names = named if isinstance(named, list) else [named]
    if arn not in names:
        return False
    renamed = [unique_id if name == arn else name for name in names]
    principal["AWS"] = renamed if isinstance(named, list) else renamed[0]
    return True
