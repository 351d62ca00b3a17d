"""An image in an ECR repository: what was pushed, and the tags that point at it."""

from datetime import datetime

from seawall.model.resource import Ref, Resource, kind


@kind("image")
class Image(Resource, frozen=True, kw_only=True):
    """`id` is REPOSITORY@DIGEST.  The bytes are in the registry; the tags are here and nowhere else."""

    repository: str
    digest: str  # sha256:...
    media_type: str
    artifact_media_type: str | None = None
    size: int | None = None  # bytes of all layers and the configuration; None for an index of images
    tags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # digests that an index names
    pushed_at: datetime

    def refs(self) -> tuple[Ref, ...]:
        members = tuple(Ref("image", image_id(self.repository, digest)) for digest in self.members)
        return (Ref("repository", self.repository), *members)


def image_id(repository: str, digest: str) -> str:
    return f"{repository}@{digest}"
