"""An IAM group: policies that all its users have."""

from datetime import datetime

from seawall.model.resource import Ref, Resource, kind


@kind("group")
class Group(Resource, frozen=True, kw_only=True):
    """`id` is the group's name.  Who belongs to it, the users know."""

    group_id: str  # AGPA...
    path: str = "/"
    create_date: datetime
    attached_policies: tuple[str, ...] = ()  # policy ARNs, in the order of attachment
    inline_policies: dict[str, str] = {}  # name -> JSON document

    def refs(self) -> tuple[Ref, ...]:
        return tuple(Ref("policy", arn) for arn in self.attached_policies)

    @property
    def resource(self) -> str:
        """The last part of the ARN: group/PATH/NAME."""
        return f"group{self.path}{self.id}"
