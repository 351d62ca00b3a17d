"""HTTP from inside a network namespace: what the host asks for a task leaves by the task's interface.

Sockets are made in the namespace and names are asked there, so routes, security groups, network ACLs and
endpoints of the VPC hold for image pulls and logs as they do for the task's own traffic.
"""

import asyncio
import contextlib
import errno
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import h11

from seawall.host.deadline import within
from seawall.host.namespace_names import UnknownName, namespace_socket, resolve
from seawall.host.namespaces import Namespaces
from seawall.host.streams import open_stream

EXPECTED_S = 10.0  # for a connection made ahead to be used
LARGEST_ANSWER = 16 * 1024 * 1024  # bytes; manifests, configurations and API answers are far smaller
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM}


class HttpAnswer(NamedTuple):
    """Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class RequestFailed(Exception):
    """No HTTP answer came.  `cause` and `address` as in `program.report.Failure`."""

    def __init__(self, cause: str, url: str, text: str, address: str | None = None) -> None:
        super().__init__(text)
        self.cause = cause
        self.url = url
        self.text = text
        self.address = address


Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter, str]


class NamespaceHttp:
    """A connection is a task's own and for one request, but for those that are kept for the one behind it.

    `ca_file` is trusted beside the system's authorities.
    """

    def __init__(self, namespaces: Namespaces, ca_file: Path | None) -> None:
        self._namespaces = namespaces
        self._tls = ssl.create_default_context()
        if ca_file is not None:
            self._tls.load_verify_locations(ca_file)
        self._expected: dict[tuple[str | None, str], asyncio.Future[Opened]] = {}

    def expect(self, namespace: str | None, nameservers: Sequence[str], url: str) -> None:
        """Connect for a request that will most likely be made there soon, while something else is awaited.

        One that fails is forgotten: the request tries anew and says what is wrong.
        """
        key = (namespace, urlsplit(url).netloc)
        if key not in self._expected:
            self._hold(key, asyncio.create_task(self._open(namespace, nameservers, url, EXPECTED_S)))

    def _keep(self, key: tuple[str | None, str], opened: Opened) -> None:
        """Whoever asks there next finds it open."""
        if key in self._expected:
            opened[1].transport.abort()
            return
        kept: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        kept.set_result(opened)
        self._hold(key, kept)

    def _hold(self, key: tuple[str | None, str], opening: "asyncio.Future[Opened]") -> None:
        self._expected[key] = opening
        asyncio.get_running_loop().call_later(EXPECTED_S, self._forget, key, opening)

    def _forget(self, key: tuple[str | None, str], opening: "asyncio.Future[Opened]") -> None:
        if self._expected.get(key) is opening:
            del self._expected[key]
            _give_up(opening)

    async def _expected_or_new(
        self, namespace: str | None, nameservers: Sequence[str], url: str, timeout_s: float
    ) -> Opened:
        opening = self._expected.pop((namespace, urlsplit(url).netloc), None)
        if opening is not None:
            try:
                opened = await _opened(opening, timeout_s)
            except (RequestFailed, asyncio.TimeoutError):
                pass
            else:
                if not opened[0].at_eof():
                    return opened
                opened[1].transport.abort()
        return await self._open(namespace, nameservers, url, timeout_s)

    async def _open(
        self, namespace: str | None, nameservers: Sequence[str], url: str, timeout_s: float
    ) -> Opened:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        try:
            addresses = await resolve(self._namespaces, namespace, nameservers, host)
        except UnknownName as error:
            raise RequestFailed("dns", url, f"dial tcp: {error}") from None
        port = parts.port or (443 if secure else 80)
        return await self._connect(namespace, addresses, port, host if secure else None, url, timeout_s)

    async def request(
        self,
        namespace: str | None,
        nameservers: Sequence[str],
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        connect_timeout_s: float = 3.0,
        timeout_s: float = 10.0,
        head_only: bool = False,
        keep: bool = False,
    ) -> HttpAnswer:
        """Send one request; redirects are not followed.  `namespace` None is the agent's own.

        head_only   hang up when the answer's body begins
        keep        leave the connection open for the next request to the same host, which follows soon
        Raises RequestFailed.
        """
        parts = urlsplit(url)
        opened = await self._expected_or_new(namespace, nameservers, url, connect_timeout_s)
        address, reusable = opened[2], False
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {"Host": parts.netloc.rpartition("@")[2], "Content-Length": str(len(body)), **headers}
        if not keep:
            fields["Connection"] = "close"
        request = h11.Request(method=method, target=target, headers=list(fields.items()))
        try:
            answer, reusable = await within(timeout_s, _exchange(opened, request, body, head_only))
            return answer
        except asyncio.TimeoutError:
            raise RequestFailed(
                "timeout", url, "context deadline exceeded (Client.Timeout exceeded)", address
            ) from None
        except h11.RemoteProtocolError as error:
            raise RequestFailed("other", url, str(error) or "malformed HTTP response", address) from None
        except ssl.SSLError as error:
            raise RequestFailed("tls", url, f"tls: {error.reason or error}", address) from None
        except OSError as error:
            raise RequestFailed("other", url, error.strerror or str(error), address) from None
        finally:
            if keep and reusable:
                self._keep((namespace, parts.netloc), opened)
            else:
                await _hang_up(opened)

    async def _connect(
        self,
        namespace: str | None,
        addresses: Sequence[str],
        port: int,
        tls_name: str | None,
        url: str,
        timeout_s: float,
    ) -> Opened:
        """To the first address that answers, the time shared among them."""
        failed: RequestFailed | None = None
        for address in addresses:
            opening = asyncio.ensure_future(self._connect_one(namespace, address, port, tls_name))
            try:
                return await _opened(opening, timeout_s / len(addresses))
            except (asyncio.TimeoutError, OSError) as error:
                failed = _connect_failure(error, url, f"{address}:{port}")
        assert failed is not None
        raise failed

    async def _connect_one(
        self, namespace: str | None, address: str, port: int, tls_name: str | None
    ) -> Opened:
        connection = namespace_socket(self._namespaces, namespace)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (address, port))
        except BaseException:
            connection.close()
            raise
        tls = self._tls if tls_name else None
        reader, writer = await open_stream(connection, tls=tls, server_hostname=tls_name)
        return reader, writer, f"{address}:{port}"


async def _opened(opening: "asyncio.Future[Opened]", timeout_s: float) -> Opened:
    """What it comes to; whoever is cancelled over it, or waited too long, leaves nothing open."""
    try:
        return await within(timeout_s, _outcome(opening))
    except BaseException:
        _give_up(opening)
        raise


async def _outcome(opening: "asyncio.Future[Opened]") -> Opened:
    return await opening  # and whoever is cancelled over it cancels it


def _give_up(opening: "asyncio.Future[Opened]") -> None:
    """End it, or what it has come to."""
    if not opening.cancel() and not opening.cancelled() and opening.exception() is None:
        opening.result()[1].transport.abort()


def _connect_failure(error: Exception, url: str, address: str) -> RequestFailed:
    """The words are those of Go's net package, which AWS's agent and clients show."""
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return RequestFailed("timeout", url, f"dial tcp {address}: i/o timeout", address)
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"tls: failed to verify certificate: {error.verify_message}"
        return RequestFailed("tls", url, text, address)
    if isinstance(error, ssl.SSLError):
        return RequestFailed("tls", url, f"tls: {error.reason or error}", address)
    if isinstance(error, ConnectionRefusedError):
        return RequestFailed("refused", url, f"dial tcp {address}: connect: connection refused", address)
    number = error.errno if isinstance(error, OSError) else None
    text = f"dial tcp {address}: connect: {(getattr(error, 'strerror', None) or str(error)).lower()}"
    return RequestFailed("unreachable" if number in _UNREACHABLE else "other", url, text, address)


async def _hang_up(opened: Opened) -> None:
    """Abort, not close: the answer is complete and the peer's TLS farewell is not worth waiting for."""
    opened[1].transport.abort()
    with contextlib.suppress(OSError):
        await opened[1].wait_closed()


async def _exchange(
    opened: Opened, request: h11.Request, body: bytes, head_only: bool
) -> tuple[HttpAnswer, bool]:
    """The answer, and whether the connection is good for another."""
    reader, writer, _ = opened
    connection = h11.Connection(h11.CLIENT)
    pieces = [
        connection.send(request),
        connection.send(h11.Data(data=body)),
        connection.send(h11.EndOfMessage()),
    ]
    writer.write(b"".join(piece for piece in pieces if piece))
    await writer.drain()
    answer: h11.Response | None = None
    content = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            answer = event
            if head_only:
                break
        elif isinstance(event, h11.Data):
            content += event.data
            if len(content) > LARGEST_ANSWER:
                raise h11.RemoteProtocolError(f"an answer of more than {LARGEST_ANSWER} bytes")
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            break
    if answer is None:
        raise h11.RemoteProtocolError("EOF")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    reusable = connection.our_state is h11.DONE and connection.their_state is h11.DONE
    return HttpAnswer(answer.status_code, headers, bytes(content)), reusable
