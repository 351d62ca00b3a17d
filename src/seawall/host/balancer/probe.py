"""One check of one target, from inside the node's namespace.

The request is the one that targets of AWS see: `User-Agent: ELB-HealthChecker/2.0`, `Host: ADDRESS:PORT`,
one connection for each; a certificate is not looked at.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from seawall.host.balancer import http2
from seawall.host.balancer.health import Outcome
from seawall.host.deadline import within
from seawall.host.streams import open_stream
from seawall.program.balancer import Check, PoolTarget

MOST_HEAD = 65536  # bytes of an answer that are looked at for its status

_SYN_RETRIES = 7  # more than two minutes: no check has so much time
Opener = Callable[[int], socket.socket]  # from an address family to a TCP socket in the namespace


async def probe(open_socket: Opener, check: Check, target: PoolTarget) -> Outcome:
    """Never raises but for cancellation; it takes no longer than the check's timeout."""
    try:
        return await within(check.timeout_s, _ask(open_socket, check, target))
    except asyncio.TimeoutError:
        return Outcome(cause="timeout", text="no answer in time")
    except ConnectionRefusedError:
        return Outcome(cause="refused", text="connection refused")
    except (OSError, EOFError) as error:
        return Outcome(cause="failed", text=str(error) or error.__class__.__name__)


async def _ask(open_socket: Opener, check: Check, target: PoolTarget) -> Outcome:
    port = check.port or target.port
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    loop = asyncio.get_running_loop()
    connection = open_socket(family)
    try:
        # The namespace's own limit is the engine's.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, _SYN_RETRIES)
        connection.setblocking(False)
        await loop.sock_connect(connection, (target.address, port))
    except BaseException:
        connection.close()
        raise
    if check.protocol == "tcp":
        connection.close()
        return Outcome()
    reader, writer = await _streams(connection, check)
    try:
        code = await _status(reader, writer, check, _authority(target.address, port))
    finally:
        writer.transport.abort()
    if any(first <= code <= last for first, last in check.codes):
        return Outcome(code=code)
    return Outcome(cause="mismatch", code=code)


async def _streams(
    connection: socket.socket, check: Check
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if check.protocol == "http":
        return await open_stream(connection, limit=MOST_HEAD)
    context = _trusting("h2" if check.version != "http1" else "http/1.1")
    return await open_stream(connection, tls=context, server_hostname="", limit=MOST_HEAD)


async def _status(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, check: Check, authority: str
) -> int:
    """Raises OSError, EOFError where no answer can be understood."""
    if check.version != "http1":
        return await http2.ask(
            reader,
            writer,
            scheme=check.protocol,
            authority=authority,
            path=check.path,
            user_agent=check.user_agent,
            grpc=check.version == "grpc",
        )
    writer.write(
        f"GET {check.path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n"
        f"User-Agent: {check.user_agent}\r\nAccept-Encoding: gzip, compressed\r\n\r\n".encode()
    )
    try:
        while True:
            words = (await reader.readuntil(b"\n")).split(None, 2)
            if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
                raise EOFError("the answer is not HTTP")
            code = int(words[1])
            if code >= 200 or code == 101:
                return code
            while (await reader.readuntil(b"\n")).strip():
                pass  # the headers of an answer before the answer
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise EOFError("the connection ended without an answer") from None


_contexts: dict[str, ssl.SSLContext] = {}


def _trusting(protocol: str) -> ssl.SSLContext:
    """Made once: that takes milliseconds."""
    if protocol not in _contexts:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([protocol])
        _contexts[protocol] = context
    return _contexts[protocol]


def _authority(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
