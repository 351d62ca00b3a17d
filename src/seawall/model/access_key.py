"""Access keys: long-term ones of users (AKIA...) and temporary ones of sessions (ASIA...)."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("access_key")
class AccessKey(Resource, frozen=True, kw_only=True):
    """`id` is the access key id.  `user` is a user's name, or None for the account's root."""

    secret: str
    user: str | None
    status: Literal["Active", "Inactive"] = "Active"
    create_date: datetime
    last_used: datetime | None = None  # to a quarter of an hour
    last_used_service: str = ""

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
    issued: datetime | None = None
    policy: str | None = None  # the session policy given with AssumeRole, JSON text
    policy_arns: tuple[str, ...] = ()  # managed policies given as session policies
    tags: Tags = {}  # session tags; they count before the role's own
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("role", self.role),)


@kind("user_session")
class UserSession(Resource, frozen=True, kw_only=True):
    """Temporary credentials from GetSessionToken.  `id` is the access key id (ASIA...)."""

    secret: str
    session_token: str
    user: str | None  # None: the account's root
    expiration: datetime
    issued: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("user", self.user),) if self.user else ()
