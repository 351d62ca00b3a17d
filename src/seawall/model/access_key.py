"""Access keys: long-term ones of users (AKIA...) and temporary ones of role sessions (ASIA...)."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Ref, Resource, kind


@kind("access_key")
class AccessKey(Resource, frozen=True, kw_only=True):
    """`id` is the access key id.  `user` is a user's name, or None for the account's root."""

    secret: str
    user: str | None
    status: Literal["Active", "Inactive"] = "Active"
    create_date: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("user", self.user),) if self.user else ()


@kind("role_session")
class RoleSession(Resource, frozen=True, kw_only=True):
    """Temporary credentials from AssumeRole.  `id` is the access key id (ASIA...)."""

    secret: str
    session_token: str
    role: str
    session_name: str
    expiration: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("role", self.role),)
