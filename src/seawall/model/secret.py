"""Secrets of Secrets Manager and the versions of their values."""

from datetime import datetime

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind


class SecretVersion(msgspec.Struct, frozen=True, kw_only=True):
    """`sealed` is the value, encrypted under the KMS key `key_id`; a version without stages is deprecated."""

    id: str
    sealed: bytes
    binary: bool
    key_id: str
    stages: tuple[str, ...]
    created_at: datetime
    last_accessed_on: datetime | None = None  # a day


@kind("secret")
class Secret(Resource, frozen=True, kw_only=True):
    """`id` is the name.  Its ARN ends in the name, a dash and `suffix`.

    kms_key_id   as it was given; None: the account's aws/secretsmanager
    deletion_date   when it will be gone; None unless it is marked for deletion
    """

    suffix: str
    description: str | None = None
    kms_key_id: str | None = None
    versions: tuple[SecretVersion, ...] = ()  # the newest last
    policy: str | None = None
    created_at: datetime
    last_changed_at: datetime
    deleted_at: datetime | None = None
    deletion_date: datetime | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return tuple(Ref("kms_key", key_id) for key_id in {version.key_id for version in self.versions})

    def version(self, id: str) -> SecretVersion | None:
        return next((version for version in self.versions if version.id == id), None)

    def staged(self, stage: str) -> SecretVersion | None:
        return next((version for version in self.versions if stage in version.stages), None)
