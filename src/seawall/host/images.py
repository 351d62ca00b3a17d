"""Images on this host: each layer fetched and unpacked once, named by its digest.

Whether a task may have an image is asked of the registry over the task's own interface at every pull, also
when all of it lies here already; only then are layers shared.
"""

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import msgspec

from seawall.host.ecr_login import RegistryCredentials
from seawall.host.failure import FailedStep
from seawall.host.image_cache import ImageCache
from seawall.host.image_manifest import (
    ManifestSource,
    Reference,
    RegistryRefused,
    Resolved,
    hex_digest,
    parse_reference,
)
from seawall.host.layer import BadLayer, unpack_layer
from seawall.host.long_work import at_leisure
from seawall.host.namespace_http import NamespaceHttp, RequestFailed
from seawall.host.namespaces import Namespaces
from seawall.host.pull_progress import PullProgress
from seawall.host.skopeo import SkopeoFailed, fetch_image, write_ca_bundle
from seawall.program.report import Failure
from seawall.program.task import ImageSource

RETRIES = 1
LINK_LASTS_S = 300.0  # for which a signed link to a layer is most likely good
T = TypeVar("T")


class Image(NamedTuple):
    """An image ready to run.

    digest   what the reference names; of an index if there is one
    config   the image's configuration: {"config": {"Env": [...], "Cmd": [...], ...}, "architecture": ...}
    layers   folders for overlayfs, lowest first
    """

    digest: str
    config: dict[str, Any]
    layers: tuple[Path, ...]


class _Reached(NamedTuple):
    """A layer that was within reach: where, and when (monotonic seconds)."""

    url: str
    at: float


class Images:
    """Pulls into the cache below `folder`.

    id_offset   added to every owner in a layer; None leaves owners alone (a process that may not change them)
    """

    def __init__(
        self,
        folder: Path,
        namespaces: Namespaces,
        http: NamespaceHttp,
        ca_file: Path | None,
        id_offset: int | None = 1,
    ) -> None:
        self._namespaces = namespaces
        self._http = http
        self._id_offset = id_offset
        self.cache = ImageCache(folder)
        self._ca_bundle = folder / "ca-bundle.pem"
        write_ca_bundle(self._ca_bundle, ca_file)
        self._layers_at: dict[str, str] = {}  # registry -> the URL of a layer, where that is elsewhere
        self._reached: dict[str, _Reached] = {}  # by reference, what was asked for at its last pull
        self._newest: dict[tuple[str, str], tuple[str, Image]] = {}  # with the manifest's digest
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def pull(
        self,
        namespace: str | None,
        nameservers: Sequence[str],
        resolv_conf: str,
        source: ImageSource,
        credentials: RegistryCredentials | None,
        *,
        retries: int = RETRIES,
        progress: PullProgress | None = None,
    ) -> Image:
        """Make an image ready, over the task's own interface.  Raises FailedStep ("pull")."""
        try:
            reference = parse_reference(source.reference)
        except ValueError as error:
            failure = Failure(step="pull", cause="other", text=f"invalid reference format: {error}")
            raise FailedStep(failure) from None
        asked = ManifestSource(self._http, namespace, tuple(nameservers), credentials)
        async with self._reached_meanwhile(asked, reference) as reaching:
            resolved = await _asked(reference, retries, lambda: asked.resolve(reference, source.architecture))
            if self.cache.has(resolved.manifest_digest, resolved.manifest):
                self.cache.used(resolved.manifest_digest)
                await self._reach_layers(asked, reference, resolved, retries, reaching)
        async with self._alone(resolved.manifest_digest):
            if not self.cache.has(resolved.manifest_digest, resolved.manifest):
                try:
                    with self.cache.fetching():
                        told = progress or PullProgress()
                        await self._fetch(
                            namespace, resolv_conf, source, reference, resolved, credentials, told
                        )
                except SkopeoFailed as failed:
                    raise _failed(reference, failed.cause, failed.text, 2, failed.address) from None
                except (BadLayer, RegistryRefused) as error:
                    raise _failed(reference, "other", f"failed to extract layer: {error}", 1) from None
                except OSError as error:
                    raise _failed(reference, "other", f"failed to extract layer: {error}", 1) from error
        image = self._image(resolved)
        self._newest[source.reference, source.architecture] = (resolved.manifest_digest, image)
        return image

    def expect(self, namespace: str | None, nameservers: Sequence[str], source: ImageSource) -> None:
        """A pull follows as soon as its credentials are there: connect meanwhile to the registry, and to
        where its layers were the last time."""
        with contextlib.suppress(ValueError):
            reference = parse_reference(source.reference)
            self._http.expect(namespace, nameservers, reference.url)
            if reference.registry in self._layers_at:
                self._http.expect(namespace, nameservers, self._layers_at[reference.registry])

    @contextlib.asynccontextmanager
    async def _reached_meanwhile(
        self, asked: ManifestSource, reference: Reference
    ) -> AsyncIterator["asyncio.Task[None] | None"]:
        """The question for the layer that was asked for last time, where it was then; most likely it is the
        one to ask for again.  Put while the registry is asked, it counts only if that says the same."""
        last = self._reached.get(reference.text)
        if last is None or time.monotonic() - last.at > LINK_LASTS_S:
            yield None
            return
        reaching = asyncio.create_task(asked.reach_layer(last.url))
        try:
            yield reaching
        finally:
            reaching.cancel()
            await asyncio.gather(reaching, return_exceptions=True)

    async def _reach_layers(
        self,
        asked: ManifestSource,
        reference: Reference,
        resolved: Resolved,
        retries: int,
        reaching: "asyncio.Task[None] | None",
    ) -> None:
        """Layers that lie here are not taken again, but a task that could not have got them must not run.

        reaching   the question for a layer that is under way already
        """
        smallest = min(resolved.manifest.layers, key=lambda layer: layer.size, default=None)
        if smallest is None:
            return
        url = await _asked(reference, retries, lambda: asked.locate_layer(reference, smallest.digest))
        if url is None:
            return
        last = self._reached.get(reference.text)
        answers = [reaching] if reaching and last and _same_place(last.url, url) else []

        async def reach() -> None:
            if answers:
                with contextlib.suppress(RegistryRefused):  # perhaps only because its signature is too old
                    await asyncio.shield(answers.pop())
                    return
            await asked.reach_layer(url)

        await _asked(reference, retries, reach)
        self._layers_at[reference.registry] = url
        self._reached[reference.text] = _Reached(url, time.monotonic())

    def newest(self, source: ImageSource) -> Image | None:
        """What this reference meant when it was last pulled, if that is still here.  No network."""
        manifest_digest, image = self._newest.get((source.reference, source.architecture), ("", None))
        if image is None or not all(layer.exists() for layer in image.layers):
            return None
        self.cache.used(manifest_digest)
        return image

    def _image(self, resolved: Resolved) -> Image:
        config = msgspec.json.decode(
            self.cache.config(resolved.manifest.config.digest).read_bytes(), type=dict[str, Any]
        )
        layers = tuple(self.cache.layer(layer.digest) for layer in resolved.manifest.layers)
        return Image(resolved.digest, config, layers)

    @contextlib.asynccontextmanager
    async def _alone(self, key: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield

    async def _fetch(
        self,
        namespace: str | None,
        resolv_conf: str,
        source: ImageSource,
        reference: Reference,
        resolved: Resolved,
        credentials: RegistryCredentials | None,
        progress: PullProgress,
    ) -> None:
        # By digest: what is fetched is what was resolved, even when the tag moves meanwhile.
        exact = reference._replace(version=resolved.manifest_digest)
        with tempfile.TemporaryDirectory(dir=self.cache.scratch) as scratch:
            blobs = Path(scratch) / "blobs"
            blobs.mkdir()
            manifest = resolved.manifest
            size = sum(blob.size for blob in (manifest.config, *manifest.layers))
            progress.fetching(blobs, len(manifest.layers), size)
            inside = self._namespaces.path(namespace) if namespace is not None else None
            await fetch_image(
                inside, resolv_conf, self._ca_bundle, exact.text, blobs, source.architecture, credentials
            )
            for layer in resolved.manifest.layers:
                async with self._alone(layer.digest):
                    if not self.cache.layer(layer.digest).exists():
                        blob = blobs / hex_digest(layer.digest)
                        await at_leisure(self._unpack, blob, self.cache.layer(layer.digest))
                progress.unpacked()
            config = resolved.manifest.config.digest
            (blobs / hex_digest(config)).replace(self.cache.config(config))
        self.cache.keep(resolved.manifest_digest, resolved.manifest)

    def _unpack(self, blob: Path, target: Path) -> None:
        """In a thread; the layer appears at `target` whole or not at all."""
        new = Path(tempfile.mkdtemp(dir=self.cache.scratch))
        try:
            if self._id_offset is not None:
                os.chown(new, self._id_offset, self._id_offset)
            new.chmod(0o755)
            unpack_layer(blob, new, self._id_offset)
            new.rename(target)
        except BaseException:
            shutil.rmtree(new)
            raise


def _same_place(one: str, other: str) -> bool:
    """Whether two signed links are to the same thing."""
    return urlsplit(one)[:3] == urlsplit(other)[:3]


async def _asked(reference: Reference, retries: int, ask: Callable[[], Awaitable[T]]) -> T:
    """A question to the registry, put again where the network failed.  Raises FailedStep."""
    for tried in range(1, retries + 2):
        try:
            return await ask()
        except RegistryRefused as refused:
            raise _failed(reference, refused.cause, str(refused), tried) from None
        except RequestFailed as error:
            if tried > retries:
                raise _failed(reference, error.cause, error.text, tried, error.address, error.url) from None
    raise AssertionError("unreachable")


def _failed(
    reference: Reference,
    cause: str,
    text: str,
    tried: int,
    address: str | None = None,
    url: str | None = None,
) -> FailedStep:
    if url is None:
        found = re.search(r'"(https?://[^"]+)"', text)
        url = found[1] if found else reference.url
    return FailedStep(Failure(step="pull", cause=cause, text=text, url=url, address=address, attempts=tried))
