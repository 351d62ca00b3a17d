"""Pulls from a registry of our own over HTTPS, with skopeo."""

import asyncio
import gzip
import io
import json
import os
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.host.tls_server import Answer, Asked, https_server

from seawall.host.ecr_login import RegistryCredentials
from seawall.host.failure import FailedStep
from seawall.host.image_manifest import INDEXES, MANIFESTS, digest_of, parse_reference
from seawall.host.images import Image, Images
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.program.report import Failure
from seawall.program.task import ImageSource

LOGIN = RegistryCredentials("AWS", "password")
BASIC = "Basic QVdTOnBhc3N3b3Jk"
# Owners are changed by root only; skopeo and the archive are the same for everybody.
OFFSET = 1 if os.getuid() == 0 else None


def layer(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return gzip.compress(made.getvalue(), mtime=0)


class Registry:
    """Repository `app`: tag `multi` is an index of `arm64` and `amd64`."""

    def __init__(self) -> None:
        self.content: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.looked_at: list[str] = []
        self.bearer = False
        self.layers_elsewhere: int | None = None  # they are at /layers/, which answers with this status
        self.signature = "old"  # of the links to there; one with another is refused
        self.shelf = "here"  # of /layers/; from another nothing is given
        self.digests = {arch: self._image(arch) for arch in ("arm64", "amd64")}
        entries = [
            {
                "mediaType": MANIFESTS[0],
                "digest": digest,
                "size": len(self.content[digest][1]),
                "platform": {"os": "linux", "architecture": arch},
            }
            for arch, digest in self.digests.items()
        ]
        self.index = self._put(
            json.dumps({"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": entries}).encode(),
            INDEXES[0],
        )
        self.content["multi"] = self.content[self.index]
        self.content["single"] = self.content[self.digests["amd64"]]

    def _put(self, body: bytes, media_type: str = "application/octet-stream") -> str:
        self.content[digest_of(body)] = (media_type, body)
        return digest_of(body)

    def _image(self, arch: str) -> str:
        blobs = [layer("base", b"shared"), layer(f"only-{arch}", b"x" * 100_000)]
        config = {
            "architecture": arch,
            "os": "linux",
            "config": {"Cmd": [arch]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(blob)) for blob in blobs]},
        }
        form = "application/vnd.oci.image.{}"
        body = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFESTS[0],
            "config": {
                "mediaType": form.format("config.v1+json"),
                "digest": self._put(body),
                "size": len(body),
            },
            "layers": [
                {
                    "mediaType": form.format("layer.v1.tar+gzip"),
                    "digest": self._put(blob),
                    "size": len(blob),
                }
                for blob in blobs
            ],
        }
        return self._put(json.dumps(manifest).encode(), MANIFESTS[0])

    def handle(self, asked: Asked) -> Answer:
        host = asked.headers["host"]
        if asked.target.startswith("/token"):
            query = sorted(asked.target.removeprefix("/token?").split("&"))
            assert query == ["scope=repository%3Aapp%3Apull", "service=test"]
            return 200, {}, b'{"token": "bearer-token"}'
        if asked.target.startswith("/layers/"):
            assert "range" not in asked.headers or "authorization" not in asked.headers
            self._note(asked)
            name, _, signature = asked.target.rpartition("/")[2].partition("?")
            good = signature == self.signature and "/there/" not in asked.target
            status = (self.layers_elsewhere or 500) if good else 403
            return status, {}, self.content[name][1] if status == 200 else b""
        wanted = "Bearer bearer-token" if self.bearer else BASIC
        if asked.headers.get("authorization") != wanted:
            challenge = 'Basic realm="test"'
            if self.bearer:
                realm = f"https://{host}/token"
                challenge = f'Bearer realm="{realm}",service="test",scope="repository:app:pull"'
            return 401, {"WWW-Authenticate": challenge}, error("UNAUTHORIZED", "Not Authorized")
        self._note(asked)
        if self.layers_elsewhere is not None and "/blobs/" in asked.target:
            name = asked.target.rpartition("/")[2]
            link = f"https://{host}/layers/{self.shelf}/{name}?{self.signature}"
            return 307, {"Location": link}, b""
        if asked.target == "/v2/":
            return 200, {}, b"{}"
        found = self.content.get(asked.target.rpartition("/")[2])
        if found is None:
            return 404, {}, error("MANIFEST_UNKNOWN", "Requested image not found")
        return 200, {"Content-Type": found[0], "Docker-Content-Digest": digest_of(found[1])}, found[1]

    def _note(self, asked: Asked) -> None:
        (self.looked_at if "range" in asked.headers else self.asked).append(asked.target)

    def blobs_taken(self) -> int:
        return sum("/blobs/" in target or "/layers/" in target for target in self.asked)


def error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


Pull = Callable[..., Awaitable[Image]]


def with_registry(tmp_path: Path, body: Callable[[Registry, Pull], Awaitable[None]]) -> None:
    async def main() -> None:
        registry = Registry()
        namespaces = Namespaces(tmp_path / "run")
        async with https_server(tmp_path, registry.handle) as (host, ca):
            images = Images(tmp_path / "images", namespaces, NamespaceHttp(namespaces, ca), ca, OFFSET)

            async def pull(
                version: str = "multi", login: RegistryCredentials | None = LOGIN, architecture: str = "amd64"
            ) -> Image:
                source = ImageSource(
                    reference=f"{host}/app{'@' if ':' in version else ':'}{version}",
                    architecture=architecture,
                )
                return await images.pull(None, (), "", source, login)

            await body(registry, pull)

    asyncio.run(main())


def test_an_image_of_an_index_is_unpacked_and_the_second_pull_fetches_no_layer(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        image = await pull()
        assert image.digest == registry.index
        assert image.config["config"] == {"Cmd": ["amd64"]}
        assert [sorted(path.name for path in folder.iterdir()) for folder in image.layers] == [
            ["base"],
            ["only-amd64"],
        ]
        before = registry.blobs_taken()
        assert before > 0
        assert await pull() == image
        assert (await pull("single")).layers == image.layers
        assert registry.blobs_taken() == before
        assert list((tmp_path / "images/tmp").iterdir()) == []

    with_registry(tmp_path, body)


def test_images_share_layers_and_tell_architectures_apart(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        amd, arm = await asyncio.gather(pull(), pull(architecture="arm64"))
        assert amd.layers[0] == arm.layers[0]
        assert arm.config["architecture"] == "arm64"
        assert (arm.layers[1] / "only-arm64").stat().st_size == 100_000

    with_registry(tmp_path, body)


def test_pulls_at_the_same_time_fetch_once(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        first, *others = await asyncio.gather(*(pull() for _ in range(4)))
        assert all(image == first for image in others)
        assert registry.blobs_taken() == 3  # a configuration and two layers

    with_registry(tmp_path, body)


def test_a_cached_image_still_needs_the_registrys_leave(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        await pull()
        failure = await refusal(pull(login=None))
        assert (failure.step, failure.cause) == ("pull", "denied")

    with_registry(tmp_path, body)


def test_a_cached_image_still_needs_a_way_to_its_layers(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        registry.layers_elsewhere = 200
        image = await pull()
        before = registry.blobs_taken()
        assert await pull() == image
        (at_registry, elsewhere) = registry.looked_at
        assert "/blobs/" in at_registry
        assert "/layers/" in elsewhere
        assert registry.blobs_taken() == before
        registry.layers_elsewhere = 403
        failure = await refusal(pull())
        assert (failure.step, failure.cause) == ("pull", "denied")
        assert "failed to copy: httpReadSeeker: failed open: unexpected status code https://" in failure.text
        assert failure.text.endswith(": 403 Forbidden")

    with_registry(tmp_path, body)


def test_a_layer_is_asked_for_once_and_again_where_its_link_was_too_old(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        registry.layers_elsewhere = 200
        image = await pull()
        for _ in range(2):  # the second asks for it while the registry is being asked
            registry.looked_at.clear()
            assert await pull() == image
            assert sorted(target.split("/")[1] for target in registry.looked_at) == ["layers", "v2"]
        registry.looked_at.clear()
        registry.signature = "new"
        assert await pull() == image
        assert sorted(target.partition("?")[2] for target in registry.looked_at) == ["", "new", "old"]

    with_registry(tmp_path, body)


def test_that_a_layer_is_within_reach_where_it_was_does_not_count_when_it_has_moved(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        registry.layers_elsewhere = 200
        await pull()
        await pull()
        registry.looked_at.clear()
        registry.shelf = "there"
        assert (await refusal(pull())).cause == "denied"
        assert {target.split("/")[2] for target in registry.looked_at if "/layers/" in target} == {
            "here",
            "there",
        }

    with_registry(tmp_path, body)


def test_a_registry_with_bearer_tokens(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        registry.bearer = True
        assert (await pull(login=None)).digest == registry.index

    with_registry(tmp_path, body)


async def refusal(pulling: Awaitable[Image]) -> Failure:
    with pytest.raises(FailedStep) as failed:
        await pulling
    return failed.value.failure


def test_what_is_not_there(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        failure = await refusal(pull("missing"))
        assert (failure.cause, failure.text) == (
            "not_found",
            "manifest unknown: Requested image not found",
        )
        failure = await refusal(pull(architecture="s390x"))
        assert "linux/s390x" in failure.text

    with_registry(tmp_path, body)


def test_content_that_was_changed_on_its_way_is_refused(tmp_path: Path) -> None:
    async def body(registry: Registry, pull: Pull) -> None:
        wanted = registry.digests["amd64"]
        kind, content = registry.content[wanted]
        layers = json.loads(content)["layers"]
        registry.content[wanted] = (kind, content + b" ")
        assert "has digest" in (await refusal(pull())).text
        registry.content[wanted] = (kind, content)
        registry.content[layers[1]["digest"]] = ("application/octet-stream", layer("evil", b"evil"))
        failure = await refusal(pull())
        assert failure.cause == "other"
        assert not list((tmp_path / "images/configs").iterdir())

    with_registry(tmp_path, body)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("docker.io/library/nginx:1", ("docker.io", "library/nginx", "1")),
        ("localhost:5000/a/b:v1", ("localhost:5000", "a/b", "v1")),
        ("r.example/a@sha256:00", ("r.example", "a", "sha256:00")),
        ("r.example/a/b:v1@sha256:00", ("r.example", "a/b", "sha256:00")),
    ],
)
def test_references(text: str, parts: tuple[str, str, str]) -> None:
    assert tuple(parse_reference(text)) == parts


@pytest.mark.parametrize("text", ["nginx", "r.example/a", "/a:b", ":x/"])
def test_references_that_are_not_normalised(text: str) -> None:
    with pytest.raises(ValueError, match="is not registry"):
        parse_reference(text)
