"""Real clients push to and pull from the registry: skopeo, podman where it is installed, and bare HTTP."""

import base64
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall.app.layer_bucket import LayerBucket
from seawall.model.image import Image
from seawall.model.repository import Repository
from seawall.wire.http import Request

MEBIBYTE = 1024 * 1024


def basic(token: str, user: str = "AWS") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


def error(answer: httpx.Response) -> tuple[int, str, str]:
    first = answer.json()["errors"][0]
    return answer.status_code, first["code"], first["message"]


@pytest.fixture
def layout(tmp_path: Path, write_layout: Callable[..., str]) -> tuple[Path, str]:
    directory = tmp_path / "image"
    return directory, write_layout(directory, {"hello": b"hello\n" * 100})


def test_what_skopeo_pushes_comes_back_and_is_on_record(in_lab: Any, layout: Any, tmp_path: Path) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("team/web")
        await lab.push(layout[0], "team/web:v1")
        (image,) = lab.store.all(Image)
        assert (image.digest, image.tags, image.pushed_at) == (layout[1], ("v1",), lab.now)
        manifest = json.loads((layout[0] / "blobs" / "sha256" / layout[1][7:]).read_bytes())
        blobs = [manifest["config"], *manifest["layers"]]
        assert image.size == sum(blob["size"] for blob in blobs)

        out = tmp_path / "out"
        await lab.pull("team/web:v1", out)
        assert "sha256:" + hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest() == layout[1]
        for blob in blobs:
            content = (out / blob["digest"][7:]).read_bytes()
            assert "sha256:" + hashlib.sha256(content).hexdigest() == blob["digest"]
        await lab.pull(f"team/web@{layout[1]}", tmp_path / "by-digest")

    in_lab(scenario)


def test_docker_schema_2_is_kept_as_it_is(in_lab: Any, layout: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        await lab.run(
            *("skopeo", "--insecure-policy", "copy", "--format", "v2s2", "--dest-tls-verify=false"),
            *("--dest-creds", f"AWS:{lab.token()}", f"oci:{layout[0]}:latest", f"docker://{lab.host}/web:v2"),
        )
        (image,) = lab.store.all(Image)
        assert image.media_type == "application/vnd.docker.distribution.manifest.v2+json"
        assert image.artifact_media_type == "application/vnd.docker.container.image.v1+json"

    in_lab(scenario)


@pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed")
def test_podman_logs_in_pushes_and_pulls(in_lab: Any, layout: Any, tmp_path: Path) -> None:
    async def scenario(lab: Any, run: str) -> None:
        lab.make_repository("web")
        store = ("--root", str(tmp_path / "root"), "--runroot", run, "--storage-driver=vfs")
        auth = ("--tls-verify=false", "--authfile", str(tmp_path / "auth.json"))
        await lab.run("podman", *store, "login", *auth, "-u", "AWS", "-p", lab.token(), lab.host)
        archive = tmp_path / "image.tar"  # pulled from a folder, it would be named after the folder's path
        await lab.run(
            "skopeo", "--insecure-policy", "copy", f"oci:{layout[0]}:latest", f"oci-archive:{archive}"
        )
        await lab.run("podman", *store, "load", "--quiet", "--input", str(archive))
        (id,) = (await lab.run("podman", *store, "images", "--quiet")).split()
        name = f"{lab.host}/web:podman"
        await lab.run("podman", *store, "push", *auth, id, name)
        assert ("podman",) in lab.tags().values()
        await lab.run("podman", *store, "rmi", "--all", "--force")
        await lab.run("podman", *store, "pull", "--quiet", *auth, name)

    with tempfile.TemporaryDirectory() as run:  # podman wants a path of at most 50 characters
        in_lab(lambda lab: scenario(lab, run))


def test_an_unknown_repository_is_refused_in_ecrs_words(in_lab: Any, layout: Any) -> None:
    async def scenario(lab: Any) -> None:
        with pytest.raises(Exception, match="The repository with name 'nope' does not exist in the registry"):
            await lab.pull("nope:latest", lab.directory / "out")
        with pytest.raises(Exception, match="The repository with name 'nope' does not exist in the registry"):
            await lab.push(layout[0], "nope:latest")
        assert lab.tags() == {}

    in_lab(scenario)


def test_only_a_good_token_gets_in(in_lab: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        async with httpx.AsyncClient(base_url=f"http://{lab.host}") as client:
            answer = await client.get("/v2/")
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == (
                'Basic realm="https://123456789012.dkr.ecr.us-east-1.amazonaws.com/",'
                'service="ecr.amazonaws.com"'
            )
            token = lab.token()
            assert (await client.get("/v2/", headers=basic(token))).status_code == 200
            assert (await client.get("/v2/", headers=basic(token, user="root"))).status_code == 401
            assert error(await client.get("/v2/web/tags/list", headers=basic(token[:-8] + "AAAAAAA="))) == (
                400,
                "DENIED",
                "Your Authorization Token is invalid.",
            )
            lab.now += timedelta(hours=12)
            assert error(await client.get("/v2/web/manifests/x", headers=basic(token))) == (
                403,
                "DENIED",
                "Your authorization token has expired. Reauthenticate and try again.",
            )

    in_lab(scenario)


def test_a_moved_tag_and_an_immutable_one(
    in_lab: Any, layout: Any, tmp_path: Path, write_layout: Callable[..., str]
) -> None:
    other = tmp_path / "other"
    other_digest = write_layout(other, {"hello": b"other"})

    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        await lab.push(layout[0], "web:latest")
        await lab.push(other, "web:latest")
        assert lab.tags() == {f"web@{layout[1]}": (), f"web@{other_digest}": ("latest",)}
        lab.make_repository("web", "IMMUTABLE")
        with pytest.raises(Exception, match="cannot be overwritten because the tag is immutable"):
            await lab.push(layout[0], "web:latest")
        await lab.push(other, "web:latest")  # the same image again is no change
        assert lab.tags() == {f"web@{layout[1]}": (), f"web@{other_digest}": ("latest",)}

    in_lab(scenario)


def test_tags_are_listed_in_pages(in_lab: Any, layout: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        for tag in ("a", "b", "c"):
            await lab.push(layout[0], f"web:{tag}")
        async with httpx.AsyncClient(base_url=f"http://{lab.host}", headers=basic(lab.token())) as client:
            first = await client.get("/v2/web/tags/list?n=2")
            assert first.json() == {"name": "web", "tags": ["a", "b"]}
            rest = await client.get(first.links["next"]["url"])
            assert rest.json()["tags"] == ["c"]
            assert "next" not in rest.links
            assert (await client.get("/v2/web/tags/list?n=0")).status_code == 400

    in_lab(scenario)


def test_a_manifest_deleted_by_digest_is_gone(in_lab: Any, layout: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        await lab.push(layout[0], "web:v1")
        async with httpx.AsyncClient(base_url=f"http://{lab.host}", headers=basic(lab.token())) as client:
            assert (await client.delete("/v2/web/manifests/v1")).status_code == 405
            assert (await client.delete(f"/v2/web/manifests/{layout[1]}")).status_code == 202
            assert error(await client.get("/v2/web/manifests/v1"))[:2] == (404, "MANIFEST_UNKNOWN")
        assert lab.tags() == {}
        assert await lab.registry.manifest("web", layout[1]) is None

    in_lab(scenario)


def test_bad_manifests_leave_no_trace(in_lab: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        missing = {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1}
        bodies: list[tuple[bytes, int]] = [
            (b"no json", 400),
            (b"{}", 400),
            (json.dumps({"schemaVersion": 2, "config": missing, "layers": []}).encode(), 400),
            (b" " * (4 * MEBIBYTE + 1), 413),
        ]
        headers = {**basic(lab.token()), "Content-Type": "application/vnd.oci.image.manifest.v1+json"}
        async with httpx.AsyncClient(base_url=f"http://{lab.host}", headers=headers) as client:
            for body, status in bodies:
                assert (await client.put("/v2/web/manifests/v1", content=body)).status_code == status
            wrong = await client.put(f"/v2/web/manifests/sha256:{'0' * 64}", content=b"{}")
            assert error(wrong)[:2] == (400, "DIGEST_INVALID")
        assert lab.tags() == {}

    in_lab(scenario)


def test_large_layers_flow_through(in_lab: Any) -> None:
    """64 MiB up and down: the front's process must not grow by anything like it."""

    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        piece, count = os.urandom(MEBIBYTE), 64
        sha = hashlib.sha256()

        async def pieces() -> Any:
            for _ in range(count):
                yield piece

        for _ in range(count):
            sha.update(piece)
        digest = f"sha256:{sha.hexdigest()}"
        async with httpx.AsyncClient(
            base_url=f"http://{lab.host}", headers=basic(lab.token()), timeout=60
        ) as client:
            target = (await client.post("/v2/web/blobs/uploads/")).headers["location"]
            before = _resident_bytes()
            answer = await client.patch(target, content=pieces())
            assert answer.status_code == 202
            answer = await client.put(f"{answer.headers['location']}&digest={digest}")
            assert answer.status_code == 201
            received = hashlib.sha256()
            async with client.stream("GET", f"/v2/web/blobs/{digest}") as download:
                async for part in download.aiter_raw():
                    received.update(part)
        assert received.hexdigest() == sha.hexdigest()
        assert _resident_bytes() - before < 24 * MEBIBYTE

    in_lab(scenario)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_killed_process_is_replaced_and_has_everything(in_lab: Any, layout: Any, tmp_path: Path) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        await lab.push(layout[0], "web:v1")
        first = lab.registry._process
        os.kill(first.pid, signal.SIGKILL)
        await first.wait()  # the registry's own wait came first, so it has taken note
        assert not lab.registry.ready.is_set()
        assert await lab.registry.manifest("web", layout[1])  # waits for the next one
        await lab.registry.ready.wait()
        assert lab.registry.pid not in (None, first.pid)
        await lab.pull("web:v1", tmp_path / "out")

    in_lab(scenario)


def test_unnamed_layers_go_at_the_next_start(in_lab: Any, layout: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        await lab.push(layout[0], "web:v1")
        blobs = lab.directory / "registry" / "data" / "docker" / "registry" / "v2" / "blobs" / "sha256"
        assert len(list(blobs.glob("*/*"))) == 3
        await lab.registry.stop()
        await lab.registry.start()
        assert len(list(blobs.glob("*/*"))) == 3
        await lab.registry.delete_manifest("web", layout[1])
        with lab.store.write() as txn:
            txn.delete(Image, lab.store.all(Image)[0].id)
            txn.delete(Repository, "web")
        lab.registry.remove_repository("web")
        await lab.registry.stop()
        await lab.registry.start()
        assert list(blobs.glob("*/*")) == []

    in_lab(scenario)


def test_as_the_readme_has_it_with_the_aws_cli(in_lab: Any, layout: Any) -> None:
    aws = str(Path(sys.executable).with_name("aws"))

    async def scenario(lab: Any) -> None:
        await lab.run(aws, "ecr", "create-repository", "--repository-name", "team/web")
        token = (await lab.run(aws, "ecr", "get-login-password")).strip()
        await lab.push(layout[0], "team/web:v1", token)
        query = ("--query", "imageDetails[].[imageDigest,imageTags[0]]", "--output", "text")
        described = await lab.run(aws, "ecr", "describe-images", "--repository-name", "team/web", *query)
        assert described.split() == [layout[1], "v1"]
        image = ("--repository-name", "team/web", "--image-ids", "imageTag=v1")
        got = json.loads(await lab.run(aws, "ecr", "batch-get-image", *image))["images"][0]
        assert "sha256:" + hashlib.sha256(got["imageManifest"].encode()).hexdigest() == layout[1]
        await lab.run(aws, "ecr", "delete-repository", "--repository-name", "team/web", "--force")
        assert lab.store.all(Image) == []

    in_lab(scenario)


def test_a_piece_of_a_layer_is_read_from_the_disk(in_lab: Any, layout: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("team/web")
        lab.make_repository("other")
        await lab.push(layout[0], "team/web:v1")
        layer = json.loads(await lab.registry.manifest("team/web", layout[1]))["layers"][0]["digest"]
        bucket = LayerBucket(lab.registry, "us-east-1", "123456789012", lambda reader, address: None)

        async def get(link: str, asked: str) -> httpx.Response:
            async def app(scope: Any, receive: Any, send: Any) -> None:
                url = httpx.URL(link)
                path, _, query = url.raw_path.decode().partition("?")
                request = Request(method="GET", path=path, query=query, headers={}, body=b"")
                await bucket.send_layer(scope, bucket.layer(request, lab.store, lab.now), send)

            async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
                return await client.get(link, headers={"Range": asked})

        whole = (await get(bucket.link("team/web", layer, lab.now), "bytes=0-")).content
        assert "sha256:" + hashlib.sha256(whole).hexdigest() == layer
        expected = {"bytes=0-0": whole[:1], "bytes=5-9": whole[5:10], f"bytes=9-{len(whole)}": whole[9:]}
        for asked, content in expected.items():
            by_registry = await lab.registry._http.get(
                f"/v2/team/web/blobs/{layer}", headers={"Range": asked}
            )
            answer = await get(bucket.link("team/web", layer, lab.now), asked)
            assert (answer.status_code, answer.content) == (206, content) == (206, by_registry.content)
            for name in ("content-range", "content-length", "content-type", "accept-ranges", "etag"):
                assert answer.headers[name] == by_registry.headers[name], name
        assert (await get(bucket.link("other", layer, lab.now), "bytes=0-0")).status_code == 404
        assert lab.registry.piece("team/web", layer, len(whole), len(whole)) is None

    in_lab(scenario)


def test_layers_are_mounted_from_repositories_that_exist(in_lab: Any, layout: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        lab.make_repository("other")
        await lab.push(layout[0], "web:v1")
        layer = json.loads(await lab.registry.manifest("web", layout[1]))["layers"][0]["digest"]
        async with httpx.AsyncClient(base_url=f"http://{lab.host}", headers=basic(lab.token())) as client:
            uploads = f"/v2/other/blobs/uploads/?mount={layer}&from="
            assert (await client.post(uploads + "gone")).status_code == 202
            assert await lab.registry.blob_size("other", layer) is None
            assert (await client.post(uploads + "web")).status_code == 201
            assert await lab.registry.blob_size("other", layer) is not None

    in_lab(scenario)


def test_layers_of_an_unfinished_push_go_at_the_next_start(in_lab: Any) -> None:
    async def scenario(lab: Any) -> None:
        lab.make_repository("web")
        digest = "sha256:" + hashlib.sha256(b"layer").hexdigest()
        async with httpx.AsyncClient(base_url=f"http://{lab.host}", headers=basic(lab.token())) as client:
            begun = await client.post("/v2/web/blobs/uploads/")
            done = await client.put(f"{begun.headers['location']}&digest={digest}", content=b"layer")
            assert done.status_code == 201
        assert await lab.registry.blob_size("web", digest) == 5
        await lab.registry.stop()
        await lab.registry.start()
        assert await lab.registry.blob_size("web", digest) is None

    in_lab(scenario)


def test_the_process_ends_with_whoever_started_it(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, pathlib, signal, sys\n"
        "from seawall.app.registry import Registry\n"
        "async def main():\n"
        "    registry = Registry(pathlib.Path(sys.argv[1]))\n"
        "    await registry.start()\n"
        "    print(registry.pid, flush=True)\n"
        "    sys.stdin.read()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        handle = os.pidfd_open(int(starter.stdout.readline()))
        try:
            starter.kill()
            ended, _, _ = select.select([handle], [], [], 10)  # readable once the process is gone
        finally:
            os.close(handle)
    assert ended == [handle]
