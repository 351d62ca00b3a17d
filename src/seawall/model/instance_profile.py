"""An instance profile: how EC2 instances come by a role."""

from datetime import datetime

from seawall.model.resource import Ref, Resource, Tags, kind


@kind("instance_profile")
class InstanceProfile(Resource, frozen=True, kw_only=True):
    """`id` is the profile's name."""

    profile_id: str  # AIPA...
    path: str = "/"
    create_date: datetime
    role: str | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("role", self.role),) if self.role else ()

    @property
    def resource(self) -> str:
        """The last part of the ARN: instance-profile/PATH/NAME."""
        return f"instance-profile{self.path}{self.id}"
