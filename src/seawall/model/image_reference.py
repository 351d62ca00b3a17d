"""Image references as people write them ("nginx", "quay.io/a/b:1") and what they stand for."""

import re

import msgspec

_ECR_HOST = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


class ImageReference(msgspec.Struct, frozen=True, kw_only=True):
    """`str()` gives the full form: registry/repository:tag, or registry/repository@digest."""

    registry: str
    repository: str
    tag: str = "latest"
    digest: str | None = None  # sha256:...; then the tag says nothing any more

    def __str__(self) -> str:
        name = f"{self.registry}/{self.repository}"
        return f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag}"

    @property
    def ecr_region(self) -> str | None:
        """The region whose private ECR registry this is, or None for any other registry."""
        found = _ECR_HOST.fullmatch(self.registry)
        return found["region"] if found else None


def parse_image_reference(text: str) -> ImageReference:
    """Complete a reference the way Docker does: no registry means docker.io, one word there means library/.

    A first component is a registry if it holds a dot or a colon or is "localhost".
    """
    name, _, digest = text.partition("@")
    registry, slash, repository = name.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        registry, repository = "docker.io", name
    if registry == "index.docker.io":
        registry = "docker.io"
    repository, colon, tag = repository.partition(":")
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return ImageReference(
        registry=registry,
        repository=repository,
        tag=tag if colon else "latest",
        digest=digest or None,
    )
