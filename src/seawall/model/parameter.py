"""Parameters of Systems Manager's Parameter Store."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

ParameterType = Literal["String", "StringList", "SecureString"]


class ParameterVersion(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is the text itself; a SecureString's is encrypted under the KMS key `sealed_by`.

    key_name   as PutParameter was given it, e.g. alias/aws/ssm
    """

    number: int
    type: ParameterType
    value: bytes
    sealed_by: str | None = None
    key_name: str | None = None
    description: str | None = None
    allowed_pattern: str | None = None
    data_type: str = "text"
    tier: Literal["Standard", "Advanced"] = "Standard"
    labels: tuple[str, ...] = ()
    modified_at: datetime
    modified_by: str  # an ARN


@kind("parameter")
class Parameter(Resource, frozen=True, kw_only=True):
    """`id` is the name.  `versions` are the newest hundred at most, the newest last."""

    versions: tuple[ParameterVersion, ...]
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return tuple(Ref("kms_key", id) for id in {version.sealed_by for version in self.versions} if id)

    @property
    def newest(self) -> ParameterVersion:
        return self.versions[-1]
