"""What the ECR operations need of the registry that holds the bytes."""

from typing import Protocol

from seawall.api.registry import Call
from seawall.wire.errors import ApiError


class ManifestRefused(Exception):
    """The registry did not take a manifest, e.g. because it names a layer that was never uploaded.

    code, message   as the OCI distribution specification has them, e.g. MANIFEST_BLOB_UNKNOWN
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class RegistryUnavailable(ApiError):
    """The registry does not answer, and has not come back within a few seconds."""

    def __init__(self) -> None:
        super().__init__("ServerException", "The registry does not answer.", status=500)


class RegistryContent(Protocol):
    """Manifests and blobs by digest.  Tags are no business of the registry: the store has them.

    Every method that waits raises RegistryUnavailable.
    """

    async def manifest(self, repository: str, digest: str) -> bytes | None: ...

    async def put_manifest(self, repository: str, digest: str, body: bytes, media_type: str) -> None:
        """Raises ManifestRefused."""

    async def delete_manifest(self, repository: str, digest: str) -> None: ...

    async def blob_size(self, repository: str, digest: str) -> int | None:
        """Bytes of a blob, None when the repository does not have it."""

    def remove_repository(self, repository: str) -> None:
        """Forget all content of a repository."""


def registry_content(call: Call) -> RegistryContent:
    content: RegistryContent = call.resources["registry"]
    return content
