"""A registry as `seawall up` runs it: the process, its front in the gateway, and a real HTTP server."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import pytest
import uvicorn

from seawall.api.ecr.token import new_token
from seawall.app.gateway import Gateway
from seawall.app.registry import Registry
from seawall.app.registry_front import RegistryFront
from seawall.iam.principal import Principal
from seawall.model.image import Image
from seawall.model.repository import Repository, TagMutability
from seawall.store.store import Store

ACCOUNT = "123456789012"
ROOT = Principal(
    kind="root", account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT, access_key_id="AKIA"
)
REGION = "us-east-1"


@dataclass(frozen=True)
class OpenSettings:
    """Anybody may call the API; the registry wants its token all the same."""

    account: str = ACCOUNT
    region: str = REGION
    auth: Literal["enforce", "open"] = "open"


class Failed(Exception):
    """A client ended with an error; its output is the message."""


@dataclass
class Lab:
    directory: Path
    store: Store
    registry: Registry
    port: int
    now: datetime

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def token(self) -> str:
        with self.store.write() as txn:
            return new_token(txn, ROOT, self.now)[0]

    def make_repository(self, name: str, mutability: TagMutability = "MUTABLE") -> None:
        with self.store.write() as txn:
            txn.put(Repository(id=name, created_at=self.now, image_tag_mutability=mutability))

    def tags(self) -> dict[str, tuple[str, ...]]:
        return {image.id: image.tags for image in self.store.all(Image)}

    async def run(self, *command: str) -> str:
        """Run a client to its end; returns its output.  Raises Failed."""
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://{self.host}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
        )
        output = (await process.communicate())[0].decode()
        if process.returncode:
            raise Failed(output)
        return output

    async def push(self, layout: Path, name: str, token: str | None = None, tag: str = "latest") -> str:
        credentials = f"AWS:{token or self.token()}"
        return await self.run(
            *("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-creds", credentials),
            *(f"oci:{layout}:{tag}", f"docker://{self.host}/{name}"),
        )

    async def pull(self, name: str, to: Path) -> str:
        return await self.run(
            *("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false"),
            *("--src-creds", f"AWS:{self.token()}", f"docker://{self.host}/{name}", f"dir:{to}"),
        )


@asynccontextmanager
async def open_lab(directory: Path) -> AsyncIterator[Lab]:
    store = Store(directory / "state.db")
    registry = Registry(directory)
    await registry.start()
    lab = Lab(directory, store, registry, 0, datetime.now(timezone.utc))
    front = RegistryFront(registry, store, account=ACCOUNT, region=REGION, now=lambda: lab.now)
    gateway = Gateway(
        store, OpenSettings(), resources={"registry": registry}, routes=[(front.matches, front)]
    )
    server = uvicorn.Server(
        uvicorn.Config(gateway, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    )
    listening = asyncio.Event()
    startup = server.startup

    async def startup_and_say(sockets: Any = None) -> None:
        await startup(sockets)
        listening.set()

    server.startup = startup_and_say  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    await listening.wait()
    lab.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield lab
    finally:
        server.should_exit = True
        await serving
        await registry.stop()
        store.close()


Scenario = Callable[[Lab], Coroutine[Any, Any, None]]


@pytest.fixture
def in_lab(tmp_path: Path) -> Callable[[Scenario], None]:
    """Run a coroutine function with a lab of its own."""

    def run(scenario: Scenario) -> None:
        async def main() -> None:
            directory = tmp_path / "state"
            directory.mkdir()
            async with open_lab(directory) as lab:
                await scenario(lab)

        asyncio.run(main())

    return run


@pytest.fixture
def write_layout() -> Callable[..., str]:
    """Write an OCI image layout of a few bytes; returns the manifest's digest."""
    return _write_layout


def _write_layout(directory: Path, files: dict[str, bytes], tag: str = "latest") -> str:
    """Write an image with one layer of `files` as an OCI layout; returns the manifest's digest."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(content: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    tar = _tar(files)
    layer = add(gzip.compress(tar, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]},
        "history": [{"created_by": "a test"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": add(_json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": [layer],
    }
    described = add(_json(manifest), manifest["mediaType"])
    described["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (directory / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    (directory / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [described]}))
    return str(described["digest"])


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
