"""Keys of AWS KMS and the names they go by."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Ref, Resource, Tags, kind

KeyState = Literal["Enabled", "Disabled", "PendingDeletion"]


@kind("kms_key")
class KmsKey(Resource, frozen=True, kw_only=True):
    """A symmetric key.  `id` is a UUID, `material` 32 random bytes that no answer of the API ever holds.

    manager   AWS: made by a service for this account, such as aws/secretsmanager
    """

    material: bytes
    policy: str  # JSON text
    description: str = ""
    manager: Literal["AWS", "CUSTOMER"] = "CUSTOMER"
    state: KeyState = "Enabled"
    created_at: datetime
    deletion_date: datetime | None = None  # only while PendingDeletion
    tags: Tags = {}


@kind("kms_alias")
class KmsAlias(Resource, frozen=True, kw_only=True):
    """`id` is the alias's name, alias/..."""

    key_id: str
    created_at: datetime
    updated_at: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("kms_key", self.key_id),)
