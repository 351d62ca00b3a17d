"""What a pushed manifest means for the record: which image, and where its tag points from now on.

Used by PutImage and by the registry's front, so that both ways of pushing obey the same rules.
"""

import hashlib
import re
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.model.image import Image, image_id
from seawall.model.repository import Repository
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
MEDIA_TYPES = (DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX)

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _Descriptor(msgspec.Struct):
    digest: str
    size: int = 0
    media_type: str = msgspec.field(default="", name="mediaType")


class _Manifest(msgspec.Struct):
    config: _Descriptor | None = None
    layers: list[_Descriptor] = []
    manifests: list[_Descriptor] | None = None
    schema_version: int = msgspec.field(default=0, name="schemaVersion")
    media_type: str = msgspec.field(default="", name="mediaType")
    artifact_type: str = msgspec.field(default="", name="artifactType")


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def media_type_of(body: bytes, given: str | None) -> str:
    """The media type of a manifest: the one it was sent with, else the one it names.

    Raises ApiError InvalidParameterException when it is no manifest, or of no kind we keep.
    """
    manifest = _read(body)
    named = given or manifest.media_type or (OCI_MANIFEST if manifest.manifests is None else OCI_INDEX)
    media_type = named.split(";")[0].strip()
    if media_type not in MEDIA_TYPES:
        raise ApiError(
            "InvalidParameterException",
            f"Invalid parameter at 'imageManifestMediaType': unsupported manifest media type '{media_type}'",
        )
    parts = manifest.manifests if media_type in (DOCKER_LIST, OCI_INDEX) else manifest.config
    if manifest.schema_version != 2 or parts is None:
        raise ApiError(
            "InvalidParameterException",
            f"Invalid parameter at 'ImageManifest': not a manifest of the type '{media_type}'",
        )
    return media_type


def _read(body: bytes) -> _Manifest:
    try:
        return msgspec.json.decode(body, type=_Manifest)
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(
            "InvalidParameterException",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        ) from None


def find_tag(reader: Reader, repository: Repository, tag: str) -> Image | None:
    """The image a tag points at."""
    images = reader.referrers(Image, repository.ref)
    return next((image for image in images if tag in image.tags), None)


def check_tag(reader: Reader, repository: Repository, tag: str, digest: str) -> None:
    """Raises ApiError ImageTagAlreadyExistsException when an immutable tag would move."""
    holder = find_tag(reader, repository, tag)
    if holder is not None and holder.digest != digest and not _mutable(repository, tag):
        raise ApiError(
            "ImageTagAlreadyExistsException",
            f"The image tag '{tag}' already exists in the '{repository.id}' repository"
            " and cannot be overwritten because the tag is immutable.",
        )


def _mutable(repository: Repository, tag: str) -> bool:
    usual = repository.image_tag_mutability.startswith("MUTABLE")
    patterns = (".*".join(map(re.escape, text.split("*"))) for text in repository.exclusion_filters)
    excluded = any(re.fullmatch(pattern, tag) for pattern in patterns)
    return usual != excluded


def record_push(
    txn: Transaction,
    repository: Repository,
    body: bytes,
    media_type: str,
    tag: str | None,
    now: datetime,
) -> Image:
    """Note the image of a manifest that the registry has taken, and point `tag` at it.

    Raises ApiError ImageTagAlreadyExistsException.
    """
    digest = digest_of(body)
    if tag is not None:
        check_tag(txn, repository, tag, digest)
        holder = find_tag(txn, repository, tag)
        if holder is not None and holder.digest != digest:
            txn.put(replace(holder, tags=tuple(other for other in holder.tags if other != tag)))
    known = txn.find(Image, image_id(repository.id, digest))
    image = known or Image(**_facts(repository, body, digest, media_type), pushed_at=now)
    if tag is not None and tag not in image.tags:
        image = replace(image, tags=(*image.tags, tag), pushed_at=now)
    txn.put(image)
    return image


def _facts(repository: Repository, body: bytes, digest: str, media_type: str) -> dict[str, Any]:
    manifest = _read(body)
    config = manifest.config
    blobs = [config, *manifest.layers] if config else manifest.layers
    members = manifest.manifests or []
    return {
        "id": image_id(repository.id, digest),
        "repository": repository.id,
        "digest": digest,
        "media_type": media_type,
        "artifact_media_type": manifest.artifact_type or (config.media_type if config else None) or None,
        "size": sum(blob.size for blob in blobs) if config else None,
        "members": tuple(dict.fromkeys(member.digest for member in members)),
    }
