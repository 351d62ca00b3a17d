"""One look at an endpoint, as a health checker of Route 53 takes it.

Source: Route 53 developer guide, "How Route 53 determines the status of health checks that monitor an
endpoint": four seconds for the connection (ten for TCP), two more for the status, two more for the body, of
which 5,120 bytes are searched.
"""

import asyncio
import http
import socket
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TypeVar

import dns.exception
import dns.message
import dns.rdatatype
import h11
import msgspec

from seawall.app.agent_link import AgentRefused
from seawall.host.deadline import within
from seawall.host.streams import open_stream
from seawall.model.health_check import HealthCheckConfig
from seawall.model.internet import RESOLVER_ADDRESS

CONNECT_S, TCP_CONNECT_S, ANSWER_S = 4.0, 10.0, 2.0
SEARCHED = 5120  # bytes
USER_AGENT = "Amazon-Route53-Health-Check-Service"

E = TypeVar("E", bound=h11.Event)
Connect = Callable[[str, int, float], Awaitable[socket.socket]]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """`status` in the words of GetHealthCheckStatus."""

    passed: bool
    status: str


class _Failure(Exception):
    pass


async def look(config: HealthCheckConfig, connect: Connect) -> Sight:
    """Raises ConnectionError where there is nobody to look (the host agent is away).

    connect   address, port and seconds to a connected socket on the internet; raises AgentRefused
    """
    try:
        return Sight(passed=True, status=f"Success: {await _look(config, connect)}")
    except _Failure as failure:
        return Sight(passed=False, status=f"Failure: {failure}")


async def _look(config: HealthCheckConfig, connect: Connect) -> str:
    name = config.fully_qualified_domain_name
    address = config.ip_address or await _resolved(name or "", connect)
    seconds = TCP_CONNECT_S if config.type == "TCP" else CONNECT_S
    connection = await _connected(connect, address, config.port or 0, seconds)
    if config.type == "TCP":
        connection.close()
        return "TCP connection established."
    try:
        reader, writer = await within(seconds, _streams(config, connection))
    except (asyncio.TimeoutError, OSError) as error:
        raise _Failure(f"TLS handshake failed: {error or 'no answer'}") from error
    try:
        return await _asked(config, _host(config, address), reader, writer)
    except (OSError, h11.RemoteProtocolError) as error:
        raise _Failure(f"The endpoint did not answer with HTTP: {error}") from error
    finally:
        writer.close()


async def _connected(connect: Connect, address: str, port: int, seconds: float) -> socket.socket:
    try:
        return await connect(address, port, seconds)
    except AgentRefused as refused:
        raise _Failure(f"Connection to {address}:{port} failed: {refused}") from refused


async def _resolved(name: str, connect: Connect) -> str:
    """The first IPv4 address of a name, by the internet's resolver."""
    try:
        query = dns.message.make_query(name, dns.rdatatype.A).to_wire(prepend_length=True)
    except dns.exception.DNSException as error:
        raise _Failure(f"{name} is no domain name: {error}") from error
    reader, writer = await open_stream(await _connected(connect, RESOLVER_ADDRESS, 53, CONNECT_S))
    try:
        writer.write(query)
        answer = dns.message.from_wire(await within(ANSWER_S, _counted(reader)))
    except (asyncio.TimeoutError, OSError, EOFError, dns.exception.DNSException) as error:
        raise _Failure(f"DNS resolution of {name} failed: {error or 'no answer'}") from error
    finally:
        writer.close()
    found = [str(data) for records in answer.answer if records.rdtype == dns.rdatatype.A for data in records]
    if not found:
        raise _Failure(f"DNS resolution of {name} failed: it has no IPv4 address")
    return found[0]


async def _counted(reader: asyncio.StreamReader) -> bytes:
    """A DNS message over TCP: two bytes of length come first."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


async def _streams(
    config: HealthCheckConfig, connection: socket.socket
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not config.type.startswith("HTTPS"):
        return await open_stream(connection)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # as Route 53: no certificate is judged
    name = config.fully_qualified_domain_name if config.enable_sni else None
    return await open_stream(connection, tls=context, server_hostname=name or "")


def _host(config: HealthCheckConfig, address: str) -> str:
    """The Host header: with the port, unless it is the protocol's own."""
    host = config.fully_qualified_domain_name or address
    if ":" in host and ip_address(host).version == 6:
        host = f"[{host}]"
    usual = 443 if config.type.startswith("HTTPS") else 80
    return host if config.port == usual else f"{host}:{config.port}"


async def _asked(
    config: HealthCheckConfig, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> str:
    talk = h11.Connection(h11.CLIENT)
    path = config.resource_path or "/"
    headers = [("Host", host), ("User-Agent", USER_AGENT), ("Connection", "close"), ("Accept", "*/*")]
    target = path if path.startswith("/") else f"/{path}"
    writer.write(talk.send(h11.Request(method="GET", target=target, headers=headers)))
    writer.write(talk.send(h11.EndOfMessage()))
    try:
        response = await within(ANSWER_S, _event(talk, reader, (h11.Response,)))
    except asyncio.TimeoutError:
        raise _Failure("The endpoint did not respond within the time limit.") from None
    status = f"HTTP Status Code {response.status_code}, {_phrase(response.status_code)}"
    if not 200 <= response.status_code < 400:
        raise _Failure(f"{status}.")
    if config.search_string is not None and not await _contains(talk, reader, config.search_string):
        raise _Failure(f"{status}. The string was not found in the first {SEARCHED} bytes of the body.")
    return f"{status}."


async def _contains(talk: h11.Connection, reader: asyncio.StreamReader, text: str) -> bool:
    body = bytearray()

    async def read() -> None:
        while len(body) < SEARCHED:
            found = await _event(talk, reader, (h11.Data, h11.EndOfMessage))
            if not isinstance(found, h11.Data):
                return
            body.extend(found.data)

    try:
        await within(ANSWER_S, read())
    except asyncio.TimeoutError:
        return False
    return text.encode() in body[:SEARCHED]


async def _event(talk: h11.Connection, reader: asyncio.StreamReader, wanted: tuple[type[E], ...]) -> E:
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(4096))
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("the connection was closed")
        for kind in wanted:
            if isinstance(event, kind):
                return event


def _phrase(code: int) -> str:
    return http.HTTPStatus(code).phrase if code in http.HTTPStatus._value2member_map_ else "unknown"
