"""A managed IAM policy with its versions."""

from datetime import datetime

import msgspec

from seawall.model.resource import Resource, Tags, kind


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    version_id: str  # v1, v2, ...
    document: str  # JSON text as the caller wrote it
    create_date: datetime


@kind("policy")
class Policy(Resource, frozen=True, kw_only=True):
    """`id` is the ARN."""

    name: str
    policy_id: str  # ANPA...
    path: str = "/"
    description: str | None = None
    default_version_id: str = "v1"
    versions: tuple[PolicyVersion, ...]
    create_date: datetime
    update_date: datetime
    tags: Tags = {}
