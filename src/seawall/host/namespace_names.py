"""Host names looked up from inside a network namespace, at the name servers its containers would ask."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from seawall.host.deadline import within
from seawall.host.namespaces import Namespaces

PORT = 53
TRIES = 2  # rounds over all name servers, as resolv.conf(5) "attempts"
TIMEOUT_S = 1.0


class UnknownName(Exception):
    """No address for a name; the text says who was asked, in the words of Go's resolver."""


def namespace_socket(
    namespaces: Namespaces, namespace: str | None, type: int = socket.SOCK_STREAM
) -> socket.socket:
    """A non-blocking IPv4 socket in a namespace; None is the agent's own."""
    # Named, because asyncio turns Nagle's algorithm off only where it reads TCP in `proto`.
    proto = socket.IPPROTO_TCP if type == socket.SOCK_STREAM else socket.IPPROTO_UDP
    if namespace is None:
        made = socket.socket(socket.AF_INET, type, proto)
    else:
        made = namespaces.socket_in(namespace, socket.AF_INET, type, proto)
    made.setblocking(False)
    return made


async def resolve(
    namespaces: Namespaces, namespace: str | None, nameservers: Sequence[str], host: str, *, port: int = PORT
) -> tuple[str, ...]:
    """The IPv4 addresses of a host name; an address stands for itself.  Raises UnknownName."""
    try:
        return (str(ipaddress.IPv4Address(host)),)
    except ValueError:
        pass
    trouble = "no name server"
    for server in tuple(nameservers) * TRIES:
        asked = f"lookup {host} on {server}:{port}"
        query = dns.message.make_query(host, dns.rdatatype.A)
        try:
            answer = await within(TIMEOUT_S, _ask(namespaces, namespace, (server, port), query))
        except asyncio.TimeoutError:
            trouble = f"{asked}: i/o timeout"
            continue
        except (OSError, EOFError) as error:
            trouble = f"{asked}: {error.__class__.__name__} {error}".rstrip()
            continue
        except dns.exception.DNSException:
            trouble = f"{asked}: cannot unmarshal DNS message"
            continue
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            trouble = f"{asked}: server misbehaving"
            continue
        if found := _addresses(answer):
            return found
        raise UnknownName(f"{asked}: no such host")
    raise UnknownName(trouble)


def _addresses(answer: dns.message.Message) -> tuple[str, ...]:
    assert isinstance(answer, dns.message.QueryMessage)
    if answer.rcode() != dns.rcode.NOERROR:
        return ()
    records = answer.resolve_chaining().answer
    return tuple(record.address for record in records) if records is not None else ()


async def _ask(
    namespaces: Namespaces, namespace: str | None, server: tuple[str, int], query: dns.message.Message
) -> dns.message.Message:
    """One question by UDP, again by TCP when the answer does not fit."""
    loop = asyncio.get_running_loop()
    with namespace_socket(namespaces, namespace, socket.SOCK_DGRAM) as udp:
        await loop.sock_connect(udp, server)
        await loop.sock_sendall(udp, query.to_wire())
        while True:
            answer = dns.message.from_wire(await loop.sock_recv(udp, 65535), ignore_trailing=True)
            if query.is_response(answer):
                break
    if not answer.flags & dns.flags.TC:
        return answer
    with namespace_socket(namespaces, namespace) as tcp:
        await loop.sock_connect(tcp, server)
        wire = query.to_wire()
        await loop.sock_sendall(tcp, len(wire).to_bytes(2, "big") + wire)
        size = int.from_bytes(await _read_exactly(tcp, 2), "big")
        answer = dns.message.from_wire(await _read_exactly(tcp, size))
    if not query.is_response(answer):
        raise OSError("an answer to another question")
    return answer


async def _read_exactly(source: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        piece = await loop.sock_recv(source, size - len(data))
        if not piece:
            raise EOFError("connection closed")
        data += piece
    return data
