"""An IAM role: an identity that services, tasks and users take on for a while."""

from datetime import datetime

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("role")
class Role(Resource, frozen=True, kw_only=True):
    """`id` is the role's name.  Documents are JSON text as the caller wrote it."""

    role_id: str  # AROA...
    path: str = "/"
    create_date: datetime
    assume_role_policy_document: str
    description: str | None = None
    max_session_duration: int = 3600  # seconds, 3600-43200
    permissions_boundary: str | None = None  # a policy ARN
    attached_policies: tuple[str, ...] = ()  # policy ARNs, in the order of attachment
    inline_policies: dict[str, str] = {}  # name -> JSON document
    service_linked: str | None = None  # the service that owns it, e.g. "ecs.amazonaws.com"
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return tuple(Ref("policy", arn) for arn in self.attached_policies)

    @property
    def resource(self) -> str:
        """The last part of the ARN: role/PATH/NAME."""
        return f"role{self.path}{self.id}"
