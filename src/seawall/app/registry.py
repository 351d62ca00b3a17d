"""The OCI registry behind ECR: Debian's docker-registry, a process of our own, on a Unix socket.

It holds manifests and layers by digest and nothing else.  Who may come in, which repositories there are and
where a tag points is decided in front of it (`registry_front`), from the store.
"""

import asyncio
import logging
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from seawall.api.ecr.content import ManifestRefused, RegistryUnavailable

log = logging.getLogger(__name__)

START_TIMEOUT_S = 15.0
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0
STOP_TIMEOUT_S = 5.0
RESTART_TIMEOUT_S = 5.0
_SOCKET = "registry.sock"
_STORAGE = "docker/registry/v2/repositories"
_BLOBS = "docker/registry/v2/blobs"


class RegistryError(Exception):
    """The registry program is missing, does not start, or answers what it must not."""


class Piece(NamedTuple):
    """Some bytes of a blob, and how many the whole has."""

    content: bytes
    size: int


class Registry:
    """The process, kept running, and a client of it.

    state_dir   its data, configuration, socket and log go to registry/ below it
    """

    def __init__(self, state_dir: Path) -> None:
        self._directory = state_dir / "registry"
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None
        self._directory_fd = -1
        self.ready = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process now running, None while there is none."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and wait until it answers.  Raises RegistryError."""
        for program in ("docker-registry", "setpriv"):
            if shutil.which(program) is None:
                raise RegistryError(f"{program} is not installed")
        self._directory.mkdir(parents=True, exist_ok=True)
        self._write_configuration()
        # A socket's path may have 107 bytes at most and the directory may be deep: go through a descriptor.
        self._directory_fd = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        socket = f"/proc/self/fd/{self._directory_fd}/{_SOCKET}"
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=socket, limits=httpx.Limits(max_connections=200)),
            base_url="http://registry",
            timeout=httpx.Timeout(None, connect=5.0),
        )
        await self._collect_garbage()
        self._keeper = asyncio.create_task(self._keep_running())
        try:
            await asyncio.wait_for(self.ready.wait(), START_TIMEOUT_S)
        except asyncio.TimeoutError:
            await self.stop()
            raise RegistryError(f"docker-registry does not start: see {self._directory}/log") from None

    async def stop(self) -> None:
        """End the process; its data stays.  Harmless when it was never started."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self._client:
            await self._client.aclose()
            self._client = None
        if self._directory_fd >= 0:
            os.close(self._directory_fd)
            self._directory_fd = -1

    async def _keep_running(self) -> None:
        delay = FIRST_DELAY_S
        while True:
            self._process = await self._spawn("serve", "config.yml")
            try:
                if await self._answers():
                    delay = FIRST_DELAY_S
                    self.ready.set()
                status = await self._process.wait()
            finally:
                self.ready.clear()
                await _end(self._process)
                self._process = None
            log.warning("registry.ended", extra={"status": status, "again_in_s": delay})
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    async def _answers(self) -> bool:
        """Ask until the new process answers; False when it ends before."""
        process = self._process
        while process is not None and process.returncode is None:
            try:
                await self._http.get("/v2/")
                return True
            except httpx.TransportError:
                await asyncio.sleep(0.01)
        return False

    async def _spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        output = os.open(self._directory / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # --pdeathsig: however the control plane ends, its registry ends with it and frees the data.
            return await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", "--", "docker-registry", *arguments),
                cwd=self._directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C in the terminal is for the control plane
            )
        finally:
            os.close(output)

    async def _collect_garbage(self) -> None:
        """Remove layers that no manifest names any more.  Only safe while the registry is not running."""
        if not (self._directory / "data" / _STORAGE).is_dir():
            return
        (self._directory / "log").unlink(missing_ok=True)
        process = await self._spawn("garbage-collect", "config.yml")
        status = await process.wait()
        if status != 0:
            log.warning("registry.garbage_collection_failed", extra={"status": status})

    def _write_configuration(self) -> None:
        secret = self._directory / "secret"  # signs the state of unfinished uploads; they survive a restart
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_hex(32))
        configuration = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self._directory.absolute() / "data")},
                "delete": {"enabled": True},
            },
            "http": {"net": "unix", "addr": _SOCKET, "relativeurls": True, "secret": secret.read_text()},
        }
        path = self._directory / "config.yml"  # JSON is YAML
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(configuration))

    @property
    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            raise RegistryError("the registry was not started")
        return self._client

    @asynccontextmanager
    async def stream(
        self, method: str, target: str, headers: list[tuple[str, str]], body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[httpx.Response]:
        """Pass a request on; its body and the answer's flow through, held nowhere in full.

        target   path and query, as the client sent them
        Raises   httpx.TransportError when the registry does not answer
        """
        request = self._http.build_request(method, target, headers=headers, content=body)
        response = await self._http.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    # What the operations of ECR ask: the protocol `api.ecr.content.RegistryContent`.

    async def _ask(
        self, method: str, target: str, headers: dict[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """One whole request and answer.  A process that is being replaced is waited for."""
        try:
            await asyncio.wait_for(self.ready.wait(), RESTART_TIMEOUT_S)
            return await self._http.request(method, target, headers=headers, content=content)
        except (asyncio.TimeoutError, httpx.TransportError) as error:
            raise RegistryUnavailable from error

    async def manifest(self, repository: str, digest: str) -> bytes | None:
        """The bytes of a manifest, None when the repository does not have it."""
        answer = await self._ask("GET", f"/v2/{repository}/manifests/{digest}", headers=_ANY_MANIFEST)
        if answer.status_code == 404:
            return None
        return _expect(answer, 200).content

    async def put_manifest(self, repository: str, digest: str, body: bytes, media_type: str) -> None:
        """Raises ManifestRefused with the registry's own code and text."""
        answer = await self._ask(
            "PUT", f"/v2/{repository}/manifests/{digest}", content=body, headers={"Content-Type": media_type}
        )
        if 400 <= answer.status_code < 500:
            raise ManifestRefused(*_first_error(answer))
        _expect(answer, 201)

    async def delete_manifest(self, repository: str, digest: str) -> None:
        answer = await self._ask("DELETE", f"/v2/{repository}/manifests/{digest}")
        if answer.status_code != 404:
            _expect(answer, 202)

    async def blob_size(self, repository: str, digest: str) -> int | None:
        answer = await self._ask("HEAD", f"/v2/{repository}/blobs/{digest}")
        if answer.status_code == 404:
            return None
        return int(_expect(answer, 200).headers["content-length"])

    def piece(self, repository: str, digest: str, first: int, last: int) -> Piece | None:
        """A piece of a blob as it lies on the disk; None where it is not, or ends before `first`.

        Its place is the registry's own: "filesystem layout" of the distribution project's storage drivers.
        """
        algorithm, _, hexadecimal = digest.partition(":")
        data = self._directory / "data"
        if not (data / _STORAGE / repository / "_layers" / algorithm / hexadecimal / "link").exists():
            return None
        try:
            with open(data / _BLOBS / algorithm / hexadecimal[:2] / hexadecimal / "data", "rb") as file:
                size = os.fstat(file.fileno()).st_size
                return Piece(os.pread(file.fileno(), last + 1 - first, first), size) if first < size else None
        except FileNotFoundError:
            return None

    def remove_repository(self, repository: str) -> None:
        """Forget a repository's links; the layers themselves go at the next start.

        A repository's own directories begin with an underscore, which no name of another one below it does.
        """
        for own in (self._directory / "data" / _STORAGE / repository).glob("_*"):
            shutil.rmtree(own, ignore_errors=True)

    async def clear(self) -> None:
        """Forget everything.  The process keeps nothing in memory, so it may go on running."""
        await asyncio.to_thread(shutil.rmtree, self._directory / "data", ignore_errors=True)


_ANY_MANIFEST = {
    "Accept": ", ".join(
        (
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.oci.image.index.v1+json",
        )
    )
}


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()


def _expect(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise RegistryError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        )
    return answer


def _first_error(answer: httpx.Response) -> tuple[str, str]:
    """Code and text of the first error of an OCI error body, with its detail."""
    try:
        errors: list[dict[str, Any]] = msgspec.json.decode(answer.content)["errors"]
        detail = errors[0].get("detail")
        text = errors[0]["message"] + (f": {msgspec.json.encode(detail).decode()}" if detail else "")
        return errors[0]["code"], text
    except (msgspec.DecodeError, KeyError, IndexError, TypeError):
        return "UNKNOWN", answer.text
