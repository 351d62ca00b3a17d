"""Image references, manifests and indexes, as the OCI image and distribution specifications have them."""

import base64
import hashlib
import re
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec

from seawall.host.ecr_login import RegistryCredentials
from seawall.host.namespace_http import HttpAnswer, NamespaceHttp

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
DOCKER_HUB = "docker.io"
_REDIRECTS = (301, 302, 303, 307, 308)
_FIRST_BYTE = "bytes=0-0"


class Reference(NamedTuple):
    """`registry/repository:tag` or `registry/repository@digest` taken apart."""

    registry: str
    repository: str
    version: str  # tag or digest

    @property
    def is_digest(self) -> bool:
        return ":" in self.version

    @property
    def text(self) -> str:
        return f"{self.registry}/{self.repository}{'@' if self.is_digest else ':'}{self.version}"

    @property
    def url(self) -> str:
        return f"{self._base}/manifests/{self.version}"

    def blob_url(self, digest: str) -> str:
        return f"{self._base}/blobs/{digest}"

    @property
    def _base(self) -> str:
        registry = "registry-1.docker.io" if self.registry == DOCKER_HUB else self.registry
        return f"https://{registry}/v2/{self.repository}"


class Descriptor(msgspec.Struct, frozen=True):
    digest: str
    size: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """Of one image for one platform."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


class _Platform(msgspec.Struct, frozen=True):
    os: str = ""
    architecture: str = ""


class _IndexEntry(msgspec.Struct, frozen=True):
    digest: str
    platform: _Platform | None = None


class _Index(msgspec.Struct, frozen=True):
    manifests: tuple[_IndexEntry, ...]


class _Kind(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = ""
    manifests: tuple[msgspec.Raw, ...] = ()


class Resolved(NamedTuple):
    """What a reference stands for.  `digest` is what it names (of the index, if there is one)."""

    digest: str
    manifest: Manifest
    manifest_digest: str


class RegistryRefused(Exception):
    """The registry answered, but not with a manifest.  `cause` as in `program.report.Failure`."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


def parse_reference(text: str) -> Reference:
    """Raises ValueError unless the reference is normalised."""
    registry, _, rest = text.partition("/")
    name, at, digest = rest.partition("@")
    if at:  # a tag beside a digest says nothing more
        head, _, last = name.rpartition("/")
        return Reference(registry, f"{head}/{last.partition(':')[0]}".lstrip("/"), digest)
    name, colon, tag = rest.rpartition(":")
    if not (registry and colon and name and tag):
        raise ValueError(f"{text!r} is not registry/repository:tag")
    return Reference(registry, name, tag)


class ManifestSource(NamedTuple):
    """A registry as a task sees it: asked over the task's own interface."""

    http: NamespaceHttp
    namespace: str | None
    nameservers: tuple[str, ...]
    credentials: RegistryCredentials | None

    async def resolve(self, reference: Reference, architecture: str) -> Resolved:
        """What a reference is now; of an index, the image for linux/`architecture`.

        Raises RequestFailed, RegistryRefused.
        """
        headers = self._headers()
        body = await self._fetch(reference, headers)
        digest = digest_of(body)
        if reference.is_digest and digest != reference.version:
            raise RegistryRefused("other", f"manifest of {reference.text} has digest {digest}")
        if not _is_index(body):
            return Resolved(digest, decode_manifest(body), digest)
        chosen = choose_platform(body, architecture)
        inner = await self._fetch(reference._replace(version=chosen), headers)
        if digest_of(inner) != chosen:
            raise RegistryRefused("other", f"manifest {chosen} has digest {digest_of(inner)}")
        return Resolved(digest, decode_manifest(inner), chosen)

    async def locate_layer(self, reference: Reference, digest: str) -> str | None:
        """Ask for a layer without taking it: the URL it is at, or None where the registry has it itself.

        Raises RequestFailed, RegistryRefused.
        """
        url, headers = reference.blob_url(digest), self._headers()
        headers["Range"] = _FIRST_BYTE
        answer = await self._ask(url, headers, head_only=True)
        elsewhere = answer.headers.get("location") if answer.status in _REDIRECTS else None
        if elsewhere is None:
            _check_layer(answer, url)
        return elsewhere

    async def reach_layer(self, url: str) -> None:
        """Whoever keeps layers must be within reach, and willing.  Raises RequestFailed, RegistryRefused."""
        # The URL has a signature of its own; the registry's password is not for it.
        answer = await self._ask(url, {"User-Agent": "seawall", "Range": _FIRST_BYTE}, head_only=True)
        _check_layer(answer, url)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": ", ".join((*MANIFESTS, *INDEXES)), "User-Agent": "seawall"}
        if self.credentials is not None:
            pair = base64.b64encode(":".join(self.credentials).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return headers

    async def _ask(self, url: str, headers: dict[str, str], *, head_only: bool = False) -> HttpAnswer:
        """With a token where the registry wants one, which is then in `headers`."""
        answer = await self._get(url, headers, head_only)
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status == 401 and challenge.lower().startswith("bearer "):
            token = await self._bearer_token(challenge, headers)
            headers["Authorization"] = f"Bearer {token}"
            answer = await self._get(url, headers, head_only)
        return answer

    async def _get(self, url: str, headers: dict[str, str], head_only: bool = False) -> HttpAnswer:
        return await self.http.request(
            self.namespace, self.nameservers, "GET", url, headers, head_only=head_only, keep=not head_only
        )

    async def _fetch(self, reference: Reference, headers: dict[str, str]) -> bytes:
        answer = await self._ask(reference.url, headers)
        _check_answer(answer, reference)
        return answer.body

    async def _bearer_token(self, challenge: str, headers: dict[str, str]) -> str:
        """A token for what the challenge names, as the distribution's token specification has it."""
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = urlencode({name: fields[name] for name in ("service", "scope") if name in fields})
        basic = {name: value for name, value in headers.items() if name == "Authorization"}
        url = f"{fields.get('realm', '')}?{query}"
        answer = await self._get(url, basic)
        try:
            token: dict[str, Any] = msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            token = {}
        found = token.get("token") or token.get("access_token")
        if answer.status != 200 or not isinstance(found, str):
            kind = "oauth" if basic else "anonymous"
            text = f"failed to authorize: failed to fetch {kind} token: unexpected status: {answer.status}"
            raise RegistryRefused("denied", f"{text} {_phrase(answer.status)}".rstrip())
        return found


def _check_layer(answer: HttpAnswer, url: str) -> None:
    if answer.status not in (200, 206):
        where = urlsplit(url)
        text = f"unexpected status code {where.scheme}://{where.netloc}{where.path}: {answer.status}"
        raise RegistryRefused(
            "denied" if answer.status in (401, 403) else "other",
            f"failed to copy: httpReadSeeker: failed open: {text} {_phrase(answer.status)}".rstrip(),
        )


def _check_answer(answer: HttpAnswer, reference: Reference) -> None:
    if answer.status == 200:
        return
    said = _error_text(answer)
    text = f"unexpected status from HEAD request to {reference.url}: {answer.status} {_phrase(answer.status)}"
    if answer.status == 404:
        raise RegistryRefused("not_found", said or text)
    lacking = re.search(r'error="([^"]+)"', answer.headers.get("www-authenticate", ""))
    if answer.status == 401 and lacking:
        text = (
            "pull access denied, repository does not exist or may require authorization:"
            f" server message: {lacking[1]}: authorization failed"
        )
    refused = answer.status in (400, 401, 403)
    raise RegistryRefused("denied" if refused else "other", f"{text}: {said}" if said else text)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _error_text(answer: HttpAnswer) -> str:
    """The first error of the body, `CODE: message`; empty when there is none."""
    try:
        first: Any = msgspec.json.decode(answer.body)["errors"][0]
        return f"{str(first['code']).lower().replace('_', ' ')}: {first['message']}"
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, UnicodeDecodeError):
        return ""


def _is_index(body: bytes) -> bool:
    try:
        kind = msgspec.json.decode(body, type=_Kind)
    except msgspec.MsgspecError as error:
        raise RegistryRefused("other", f"not a manifest: {error}") from None
    return kind.media_type in INDEXES or bool(kind.manifests)


def decode_manifest(body: bytes) -> Manifest:
    """Raises RegistryRefused."""
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.MsgspecError as error:
        raise RegistryRefused("other", f"not an image manifest: {error}") from None
    for digest in (manifest.config.digest, *(layer.digest for layer in manifest.layers)):
        hex_digest(digest)
    return manifest


def choose_platform(index: bytes, architecture: str) -> str:
    """The digest of the image for linux/`architecture`.  Raises RegistryRefused."""
    try:
        entries = msgspec.json.decode(index, type=_Index).manifests
    except msgspec.MsgspecError as error:
        raise RegistryRefused("other", f"not an image index: {error}") from None
    for entry in entries:
        if entry.platform == _Platform("linux", architecture):
            return entry.digest
    text = f"image Manifest does not contain descriptor matching platform 'linux/{architecture}'"
    raise RegistryRefused("other", text)


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def hex_digest(digest: str) -> str:
    """The hexadecimal part, safe as a file name.  Raises RegistryRefused for anything but SHA-256."""
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise RegistryRefused("other", f"unsupported digest {digest[:100]!r}")
    return value
