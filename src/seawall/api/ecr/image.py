"""ECR images: describe, list, read, put, delete; and whether a layer is there."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ecr.content import ManifestRefused, registry_content
from seawall.api.ecr.names import find_repository
from seawall.api.ecr.pushing import (
    DIGEST,
    TAG,
    check_tag,
    digest_of,
    find_tag,
    media_type_of,
    record_push,
)
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.image import Image, image_id
from seawall.model.repository import Repository
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

Failure = dict[str, Any]


class _NoImage(Exception):
    """An image identifier that names none.  `code` is an ImageFailureCode."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def _resolve(reader: Reader, repository: Repository, identifier: dict[str, Any]) -> Image:
    """The image of {imageDigest, imageTag}.  Raises _NoImage."""
    digest, tag = identifier.get("imageDigest"), identifier.get("imageTag")
    if digest is None and tag is None:
        raise _NoImage(
            "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"
        )
    if digest is not None and not DIGEST.fullmatch(digest):
        raise _NoImage(
            "InvalidImageDigest",
            "Invalid request parameters: image digest should be sha256:HEX",
        )
    image = (
        find_tag(reader, repository, tag or "")
        if digest is None
        else reader.find(Image, image_id(repository.id, digest))
    )
    if image is None:
        raise _NoImage("ImageNotFound", "Requested image not found")
    if tag is not None and tag not in image.tags:
        raise _NoImage("ImageTagDoesNotMatchDigest", "Requested tag does not match the requested digest")
    return image


def _plain(identifier: Params) -> dict[str, Any]:
    return identifier.plain()


def _failure(identifier: dict[str, Any], problem: _NoImage) -> Failure:
    return {"imageId": identifier, "failureCode": problem.code, "failureReason": problem.reason}


@operation("ecr", "DescribeImages")
def describe_images(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    identifiers = params.get("imageIds")
    limit, token = params.get("maxResults", 100), params.get("nextToken")
    if identifiers is not None:
        images = [_described_image(call, repository, _plain(identifier)) for identifier in identifiers]
        unique = {image.id: image for image in images}
        return {"imageDetails": [_describe(call, image) for image in unique.values()]}
    images = [image for image in call.store.referrers(Image, repository.ref) if _wanted(image, params)]
    page, rest = _page(images, limit, token)
    return {"imageDetails": [_describe(call, image) for image in page]} | (
        {"nextToken": rest} if rest else {}
    )


def _described_image(call: Call, repository: Repository, identifier: dict[str, Any]) -> Image:
    try:
        return _resolve(call.store, repository, identifier)
    except _NoImage:
        digest = f"imageDigest:'{identifier.get('imageDigest', 'null')}'"
        tag = f"imageTag:'{identifier.get('imageTag', 'null')}'"
        raise ApiError(
            "ImageNotFoundException",
            f"The image with imageId {{{digest}, {tag}}} does not exist within the repository"
            f" with name '{repository.id}' in the registry with id '{call.account}'",
        ) from None


def _wanted(image: Image, params: Params) -> bool:
    """Whether `filter` lets an image through.  All images are ACTIVE: nothing archives them."""
    chosen = params.get("filter") or {}
    status, state = chosen.get("tagStatus", "ANY"), chosen.get("imageStatus", "ACTIVE")
    tagged = {"TAGGED": bool(image.tags), "UNTAGGED": not image.tags, "ANY": True}
    return tagged[status] and state in ("ACTIVE", "ANY")


def _describe(call: Call, image: Image) -> dict[str, Any]:
    described: dict[str, Any] = {
        "registryId": call.account,
        "repositoryName": image.repository,
        "imageDigest": image.digest,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type,
        "imageStatus": "ACTIVE",
    }
    if image.tags:
        described["imageTags"] = list(image.tags)
    if image.size is not None:
        described["imageSizeInBytes"] = image.size
    if image.artifact_media_type:
        described["artifactMediaType"] = image.artifact_media_type
    return described


@operation("ecr", "ListImages")
def list_images(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    limit, token = params.get("maxResults", 100), params.get("nextToken")
    images = [image for image in call.store.referrers(Image, repository.ref) if _wanted(image, params)]
    identifiers = [(image.digest, tag) for image in images for tag in sorted(image.tags) or [""]]
    try:
        page, rest = take_page(identifiers, limit, token, lambda item: f"{item[0]} {item[1]}")
    except InvalidToken:
        raise _bad_token() from None
    listed = [{"imageDigest": digest} | ({"imageTag": tag} if tag else {}) for digest, tag in page]
    return {"imageIds": listed} | ({"nextToken": rest} if rest else {})


def _page(images: list[Image], limit: int, token: str | None) -> tuple[list[Image], str | None]:
    try:
        return take_page(images, limit, token, lambda image: image.id)
    except InvalidToken:
        raise _bad_token() from None


def _bad_token() -> ApiError:
    return ApiError(
        "InvalidParameterException",
        "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid token'",
    )


@operation(
    "ecr",
    "BatchGetImage",
    stored={"acceptedMediaTypes": "a manifest is given as it was pushed, never converted"},
)
async def batch_get_image(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    images: list[dict[str, Any]] = []
    failures: list[Failure] = []
    for identifier in map(_plain, params["imageIds"]):
        try:
            image = _resolve(call.store, repository, identifier)
        except _NoImage as problem:
            failures.append(_failure(identifier, problem))
            continue
        body = await registry_content(call).manifest(repository.id, image.digest)
        if body is None:  # deleted since it was looked up
            failures.append(_failure(identifier, _NoImage("ImageNotFound", "Requested image not found")))
        else:
            images.append(_image(call, image, body.decode(), identifier.get("imageTag")))
    return {"images": images, "failures": failures}


def _image(call: Call, image: Image, manifest: str, tag: str | None) -> dict[str, Any]:
    return {
        "registryId": call.account,
        "repositoryName": image.repository,
        "imageId": {"imageDigest": image.digest} | ({"imageTag": tag} if tag else {}),
        "imageManifest": manifest,
        "imageManifestMediaType": image.media_type,
    }


@operation("ecr", "PutImage")
async def put_image(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    body = params["imageManifest"].encode()
    tag, wanted = params.get("imageTag"), params.get("imageDigest")
    media_type = media_type_of(body, params.get("imageManifestMediaType"))
    digest = digest_of(body)
    call.refuse_unread()
    if tag is not None and not TAG.fullmatch(tag):
        raise ApiError(
            "InvalidParameterException", f"Invalid parameter at 'imageTag': '{tag}' is no image tag"
        )
    if wanted not in (None, digest):
        raise ApiError(
            "ImageDigestDoesNotMatchException",
            f"Image digest '{wanted}' does not match the digest '{digest}' of the manifest.",
        )
    _refuse_repeated(call, repository, digest, tag)
    if tag is not None:
        check_tag(call.store, repository, tag, digest)
    try:
        await registry_content(call).put_manifest(repository.id, digest, body, media_type)
    except ManifestRefused as refused:
        code = "LayersNotFoundException" if "BLOB" in refused.code else "InvalidParameterException"
        raise ApiError(code, refused.message) from None
    with call.write() as txn:
        image = record_push(txn, find_repository(call, txn, params), body, media_type, tag, call.now)
    return {"image": _image(call, image, params["imageManifest"], tag)}


def _refuse_repeated(call: Call, repository: Repository, digest: str, tag: str | None) -> None:
    known = call.store.find(Image, image_id(repository.id, digest))
    if known is None or (tag is not None and tag not in known.tags):
        return
    named = f"digest '{digest}'" + (f" and tag '{tag}'" if tag else "")
    raise ApiError(
        "ImageAlreadyExistsException",
        f"Image with {named} already exists in the repository with name '{repository.id}'"
        f" in registry with id '{call.account}'",
    )


@operation("ecr", "BatchDeleteImage")
async def batch_delete_image(call: Call, params: Params) -> dict[str, Any]:
    deleted: list[dict[str, Any]] = []
    failures: list[Failure] = []
    gone: list[str] = []
    with call.write() as txn:
        repository = find_repository(call, txn, params)
        for identifier in map(_plain, params["imageIds"]):
            try:
                image = _resolve(txn, repository, identifier)
                deleted += _delete(txn, image, identifier)
            except _NoImage as problem:
                failures.append(_failure(identifier, problem))
                continue
            if txn.find(Image, image.id) is None:
                gone.append(image.digest)
    for digest in gone:
        await registry_content(call).delete_manifest(repository.id, digest)
    return {"imageIds": deleted, "failures": failures}


def _delete(txn: Transaction, image: Image, identifier: dict[str, Any]) -> list[dict[str, Any]]:
    """By tag: the tag goes, and with the last one the image.  By digest: the image and all its tags."""
    tag = identifier.get("imageTag") if "imageDigest" not in identifier else None
    if tag is not None and len(image.tags) > 1:
        txn.put(replace(image, tags=tuple(other for other in image.tags if other != tag)))
        return [{"imageDigest": image.digest, "imageTag": tag}]
    lists = [holder.digest for holder in txn.referrers(Image, image.ref)]
    if lists:
        raise _NoImage(
            "ImageReferencedByManifestList", f"Requested image referenced by manifest list: {lists}"
        )
    txn.delete(Image, image.id)
    return [{"imageDigest": image.digest, "imageTag": other} for other in image.tags] or [
        {"imageDigest": image.digest}
    ]


@operation("ecr", "BatchCheckLayerAvailability")
async def batch_check_layer_availability(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    layers: list[dict[str, Any]] = []
    failures: list[Failure] = []
    for digest in params["layerDigests"]:
        if not DIGEST.fullmatch(digest):
            failures.append(
                {
                    "layerDigest": digest,
                    "failureCode": "InvalidLayerDigest",
                    "failureReason": "Invalid layer digest",
                }
            )
            continue
        size = await registry_content(call).blob_size(repository.id, digest)
        if size is None:
            layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
        else:
            layers.append({"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size})
    return {"layers": layers, "failures": failures}


@operation(
    "ecr",
    "GetDownloadUrlForLayer",
    refused={"layerDigest": "layers are read through the registry, /v2/NAME/blobs/DIGEST, with its token"},
)
def get_download_url_for_layer(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    raise NotImplementedHere(
        "GetDownloadUrlForLayer: Seawall hands out no pre-signed URLs; read the layer with a registry token"
        f" from /v2/{repository.id}/blobs/{params['layerDigest']}."
    )
