"""Host names looked up from inside a network namespace, at the name servers its containers would ask."""

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Sequence

from seawall.host.deadline import within
from seawall.host.dns.address_answer import Found, name_in_wire_form, read_answer
from seawall.host.dns.message import NOERROR, NXDOMAIN, A, write_query
from seawall.host.namespaces import Namespaces

PORT = 53
TRIES = 2  # rounds over all name servers, as resolv.conf(5) "attempts"
TIMEOUT_S = 1.0


class UnknownName(Exception):
    """No address for a name; the text says who was asked, in the words of Go's resolver."""


def nameservers(resolv_conf: str) -> list[str]:
    """The addresses that a resolv.conf text names."""
    words = (line.split() for line in resolv_conf.splitlines())
    return [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"]


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
    name = name_in_wire_form(host)
    trouble = "no name server"
    for server in tuple(nameservers) * TRIES:
        asked = f"lookup {host} on {server}:{port}"
        if name is None:
            raise UnknownName(f"{asked}: no such host")
        try:
            found = await within(TIMEOUT_S, _ask(namespaces, namespace, (server, port), name))
        except asyncio.TimeoutError:
            trouble = f"{asked}: i/o timeout"
            continue
        except (OSError, EOFError) as error:
            trouble = f"{asked}: {error.__class__.__name__} {error}".rstrip()
            continue
        except ValueError:
            trouble = f"{asked}: cannot unmarshal DNS message"
            continue
        if found.rcode not in (NOERROR, NXDOMAIN):
            trouble = f"{asked}: server misbehaving"
            continue
        if found.rcode == NOERROR and found.addresses:
            return found.addresses
        raise UnknownName(f"{asked}: no such host")
    raise UnknownName(trouble)


async def _ask(namespaces: Namespaces, namespace: str | None, server: tuple[str, int], name: bytes) -> Found:
    """By UDP, again by TCP when the answer does not fit.  Raises OSError, EOFError, ValueError."""
    loop = asyncio.get_running_loop()
    id = secrets.randbits(16)
    query = write_query(id, name, A)
    with namespace_socket(namespaces, namespace, socket.SOCK_DGRAM) as udp:
        await loop.sock_connect(udp, server)
        await loop.sock_sendall(udp, query)
        while (found := read_answer(await loop.sock_recv(udp, 65535), id, name)) is None:
            pass
    if not found.cut:
        return found
    with namespace_socket(namespaces, namespace) as tcp:
        await loop.sock_connect(tcp, server)
        await loop.sock_sendall(tcp, len(query).to_bytes(2, "big") + query)
        size = int.from_bytes(await _read_exactly(tcp, 2), "big")
        whole = read_answer(await _read_exactly(tcp, size), id, name)
    if whole is None:
        raise OSError("an answer to another question")
    return whole


async def _read_exactly(source: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        piece = await loop.sock_recv(source, size - len(data))
        if not piece:
            raise EOFError("connection closed")
        data += piece
    return data
