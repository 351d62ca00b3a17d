"""An IAM user: a name with long-term access keys."""

from datetime import datetime

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("user")
class User(Resource, frozen=True, kw_only=True):
    """`id` is the user's name.  Policies are JSON text as they were given."""

    user_id: str  # AIDA...
    path: str = "/"
    create_date: datetime
    attached_policies: tuple[str, ...] = ()  # policy ARNs, in the order of attachment
    inline_policies: dict[str, str] = {}  # name -> JSON document
    permissions_boundary: str | None = None  # a policy ARN
    groups: tuple[str, ...] = ()  # names, in the order of joining
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        policies = tuple(Ref("policy", arn) for arn in self.attached_policies)
        return (*policies, *(Ref("group", name) for name in self.groups))

    @property
    def resource(self) -> str:
        """The last part of the ARN: user/PATH/NAME."""
        return f"user{self.path}{self.id}"
