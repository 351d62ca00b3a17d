"""Managed policies: the account's own, and AWS's as far as Seawall's services, tasks and roles need them.

The documents of AWS's are its own, in the version named; `managed_policies.json` has one policy per line.
"""

import hashlib
import json
from base64 import b32encode
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from seawall.iam.policy.document import Policy as NamedPolicy
from seawall.iam.policy.document import named_policy
from seawall.model.policy import Policy, PolicyVersion
from seawall.store.store import Reader

PREFIX = "arn:aws:iam::aws:policy/"
_FILE = Path(__file__).with_suffix(".json")


@cache
def managed_policies() -> Mapping[str, Policy]:
    """All of AWS's by ARN.  Read when first asked for: about 3 ms."""
    found = (_policy(entry) for entry in msgspec.json.decode(_FILE.read_bytes()))
    return {policy.id: policy for policy in found}


def _policy(entry: dict[str, Any]) -> Policy:
    name, path = entry["name"], entry["path"]
    updated = datetime.fromisoformat(entry["updated"])
    version = PolicyVersion(
        version_id=entry["version"], document=json.dumps(entry["document"], indent=4), create_date=updated
    )
    return Policy(
        id=f"{PREFIX.removesuffix('/')}{path}{name}",
        name=name,
        policy_id=entry.get("id") or _stand_in_id(name),
        path=path,
        default_version_id=version.version_id,
        versions=(version,),
        create_date=datetime.fromisoformat(entry["created"]),
        update_date=updated,
    )


def _stand_in_id(name: str) -> str:
    """A policy id for one whose own is not known: always the same for one name."""
    return "ANPA" + b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]


def find_managed(reader: Reader, arn: str) -> Policy | None:
    """The account's own policy of that ARN, or AWS's."""
    return reader.find(Policy, arn) or managed_policies().get(arn)


def in_force(reader: Reader, arn: str) -> NamedPolicy | None:
    """What a managed policy says now; None when there is none of that ARN.  Raises PolicyError."""
    policy = find_managed(reader, arn)
    if policy is None:
        return None
    return named_policy(
        arn, next(v.document for v in policy.versions if v.version_id == policy.default_version_id)
    )
