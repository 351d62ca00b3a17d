"""An ECR repository and the key its registry signs tokens with."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Resource, Tags, kind

TagMutability = Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]


@kind("repository")
class Repository(Resource, frozen=True, kw_only=True):
    """`id` is the repository's name, e.g. "team/web"."""

    created_at: datetime
    image_tag_mutability: TagMutability = "MUTABLE"
    exclusion_filters: tuple[str, ...] = ()  # tag patterns with * for which the opposite mutability holds
    encryption_type: Literal["AES256"] = "AES256"
    tags: Tags = {}


@kind("registry_key")
class RegistryKey(Resource, frozen=True, kw_only=True):
    """The one key (`id` "registry") under which authorization tokens are signed.  Made at first use."""

    secret: str  # hex
