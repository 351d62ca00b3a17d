"""Images through the API alone: layers are put into the registry process, manifests by PutImage."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.app.registry import Registry

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Pusher:
    def __init__(self, ecr: Any, registry: Registry, loop: asyncio.AbstractEventLoop) -> None:
        self.ecr, self.registry, self.loop = ecr, registry, loop

    def blob(self, content: bytes) -> dict[str, Any]:
        self.loop.run_until_complete(self._upload(content))
        return {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": digest(content),
            "size": len(content),
        }

    async def _upload(self, content: bytes) -> None:
        async with self.registry.stream("POST", "/v2/web/blobs/uploads/", [], None) as answer:
            target = answer.headers["location"] + "&digest=" + digest(content)

        async def body() -> Any:
            yield content

        async with self.registry.stream("PUT", target, [], body()) as answer:
            assert answer.status_code == 201

    def manifest(self, name: str) -> str:
        layer, config = self.blob(b"layer of " + name.encode()), self.blob(b"{}")
        return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})

    def put(self, name: str, tag: str | None = None) -> str:
        extra = {"imageTag": tag} if tag else {}
        image = self.ecr.put_image(repositoryName="web", imageManifest=self.manifest(name), **extra)["image"]
        return str(image["imageId"]["imageDigest"])

    def tags(self) -> dict[str, list[str]]:
        details = self.ecr.describe_images(repositoryName="web")["imageDetails"]
        return {image["imageDigest"]: image.get("imageTags", []) for image in details}


@pytest.fixture
def push(ecr: Any, registry: Registry, event_loop_runner: asyncio.AbstractEventLoop) -> Pusher:
    ecr.create_repository(repositoryName="web")
    return Pusher(ecr, registry, event_loop_runner)


def test_an_image_is_described_and_read_back(push: Pusher, clock: Any) -> None:
    manifest = push.manifest("one")
    push.ecr.put_image(repositoryName="web", imageManifest=manifest, imageTag="v1")
    (image,) = push.ecr.describe_images(repositoryName="web")["imageDetails"]
    assert image["imageDigest"] == digest(manifest.encode())
    assert image["imageTags"] == ["v1"]
    assert image["imageSizeInBytes"] == len("layer of one") + len("{}")
    assert (image["imageManifestMediaType"], image["imagePushedAt"]) == (MANIFEST, clock.now)
    wanted = [{"imageTag": "v1"}, {"imageTag": "v2"}, {"imageDigest": "sha256:x"}, {}]
    answer = push.ecr.batch_get_image(repositoryName="web", imageIds=wanted)
    assert [found["imageManifest"] for found in answer["images"]] == [manifest]
    assert [failure["failureCode"] for failure in answer["failures"]] == [
        "ImageNotFound",
        "InvalidImageDigest",
        "MissingDigestAndTag",
    ]


def test_a_tag_moves_and_leaves_the_old_image_untagged(push: Pusher) -> None:
    first, second = push.put("one", "latest"), push.put("two", "latest")
    assert push.tags() == {first: [], second: ["latest"]}
    listed = push.ecr.list_images(repositoryName="web", filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert listed == [{"imageDigest": first}]
    assert len(push.ecr.list_images(repositoryName="web", filter={"tagStatus": "TAGGED"})["imageIds"]) == 1


def test_an_immutable_tag_stays(push: Pusher) -> None:
    first = push.put("one", "v1")
    push.ecr.put_image_tag_mutability(
        repositoryName="web",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "lat*"}],
    )
    wrong = refused(
        push.ecr.put_image, repositoryName="web", imageManifest=push.manifest("two"), imageTag="v1"
    )
    assert wrong == (
        "ImageTagAlreadyExistsException",
        "The image tag 'v1' already exists in the 'web' repository"
        " and cannot be overwritten because the tag is immutable.",
    )
    assert push.tags() == {first: ["v1"]}
    push.put("one", "latest")
    second = push.put("two", "latest")
    assert push.tags() == {first: ["v1"], second: ["latest"]}


def test_repeating_a_push_is_said(push: Pusher) -> None:
    push.put("one", "v1")
    code, text = refused(
        push.ecr.put_image, repositoryName="web", imageManifest=push.manifest("one"), imageTag="v1"
    )
    assert code == "ImageAlreadyExistsException"
    assert "and tag 'v1' already exists in the repository with name 'web'" in text
    push.put("one", "v2")
    assert list(push.tags().values()) == [["v1", "v2"]]


def test_a_manifest_without_its_layers_or_of_no_sense_is_refused(push: Pusher) -> None:
    manifest = json.loads(push.manifest("one"))
    manifest["layers"][0]["digest"] = digest(b"never uploaded")
    put = push.ecr.put_image
    assert refused(put, repositoryName="web", imageManifest=json.dumps(manifest))[0] == (
        "LayersNotFoundException"
    )
    assert refused(put, repositoryName="web", imageManifest="no json")[0] == "InvalidParameterException"
    wrong = digest(b"something else")
    assert refused(put, repositoryName="web", imageManifest=push.manifest("one"), imageDigest=wrong)[0] == (
        "ImageDigestDoesNotMatchException"
    )
    assert push.tags() == {}


def test_deleting_by_tag_takes_the_image_with_the_last_tag(push: Pusher) -> None:
    image = push.put("one", "v1")
    push.put("one", "v2")
    delete = push.ecr.batch_delete_image
    answer = delete(repositoryName="web", imageIds=[{"imageTag": "v1"}])
    assert answer["imageIds"] == [{"imageDigest": image, "imageTag": "v1"}]
    assert push.tags() == {image: ["v2"]}
    answer = delete(repositoryName="web", imageIds=[{"imageTag": "v2"}, {"imageTag": "v2"}])
    assert [failure["failureCode"] for failure in answer["failures"]] == ["ImageNotFound"]
    assert push.tags() == {}
    assert push.loop.run_until_complete(push.registry.manifest("web", image)) is None


def test_an_image_of_a_list_is_not_deleted_alone(push: Pusher) -> None:
    member = push.put("one")
    size = len(push.manifest("one"))
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {
                "mediaType": MANIFEST,
                "digest": member,
                "size": size,
                "platform": {"architecture": "amd64", "os": "linux"},
            }
        ],
    }
    push.ecr.put_image(repositoryName="web", imageManifest=json.dumps(index), imageTag="all")
    described = push.ecr.describe_images(repositoryName="web", imageIds=[{"imageTag": "all"}])
    assert "imageSizeInBytes" not in described["imageDetails"][0]
    delete = push.ecr.batch_delete_image
    answer = delete(repositoryName="web", imageIds=[{"imageDigest": member}])
    assert [failure["failureCode"] for failure in answer["failures"]] == ["ImageReferencedByManifestList"]
    delete(repositoryName="web", imageIds=[{"imageTag": "all"}, {"imageDigest": member}])
    assert push.tags() == {}


def test_a_repository_with_images_goes_only_by_force(push: Pusher) -> None:
    image = push.put("one", "v1")
    assert refused(push.ecr.delete_repository, repositoryName="web") == (
        "RepositoryNotEmptyException",
        "The repository with name 'web' in registry with id '123456789012'"
        " cannot be deleted because it still contains images",
    )
    push.ecr.delete_repository(repositoryName="web", force=True)
    assert push.loop.run_until_complete(push.registry.manifest("web", image)) is None
    push.ecr.create_repository(repositoryName="web")
    assert push.tags() == {}


def test_images_that_are_asked_for_must_exist(push: Pusher) -> None:
    assert refused(push.ecr.describe_images, repositoryName="web", imageIds=[{"imageTag": "x"}]) == (
        "ImageNotFoundException",
        "The image with imageId {imageDigest:'null', imageTag:'x'} does not exist within the repository"
        " with name 'web' in the registry with id '123456789012'",
    )


def test_layers_are_looked_for_in_the_registry(push: Pusher) -> None:
    there, missing = push.blob(b"12345")["digest"], digest(b"never uploaded")
    answer = push.ecr.batch_check_layer_availability(repositoryName="web", layerDigests=[there, missing, "x"])
    found = {layer["layerDigest"]: layer for layer in answer["layers"]}
    assert (found[there]["layerAvailability"], found[there]["layerSize"]) == ("AVAILABLE", 5)
    assert found[missing]["layerAvailability"] == "UNAVAILABLE"
    assert [failure["failureCode"] for failure in answer["failures"]] == ["InvalidLayerDigest"]
    code, text = refused(push.ecr.get_download_url_for_layer, repositoryName="web", layerDigest=there)
    assert code == "NotImplemented"
    assert f"/v2/web/blobs/{there}" in text


def test_images_come_in_pages(push: Pusher) -> None:
    for n in range(3):
        push.put(str(n), f"v{n}")
    for call in ("describe_images", "list_images"):
        pages = push.ecr.get_paginator(call).paginate(repositoryName="web", PaginationConfig={"PageSize": 2})
        items = [len(page.get("imageDetails", page.get("imageIds"))) for page in pages]
        assert items == [2, 1]
