"""Name servers inside namespaces: UDP and TCP on port 53, answered in the agent's own loop.

What a zone does not know does not exist (NXDOMAIN with an SOA), unless the resolver has an upstream.
Sources: RFC 1035, 2308 (negative answers), 6891 (EDNS), 7766 (TCP).
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
import socket
import struct
from collections.abc import Coroutine, Mapping
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from seawall.host.deadline import within
from seawall.host.namespaces import Namespaces
from seawall.program.network import AddressNames, NetworkProgram, Resolver
from seawall.program.report import Problem

log = logging.getLogger("seawall.resolver")

PORT = 53
TTL_S = 60
PLAIN_UDP_SIZE = 512
MAX_UDP_SIZE = 1232  # never fragments on a 1280-byte path
TCP_IDLE_S = 10.0
UPSTREAM_TIMEOUT_S = 3.0
_QUAD = re.compile(r"(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})")
_REVERSE = ".in-addr.arpa"


class Zone:
    """What one resolver knows.  Pure."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._records: Mapping[str, tuple[str, ...]] = {r.name: r.addresses for r in resolver.records}
        self._networks = {c: tuple(map(ipaddress.IPv4Network, c.networks)) for c in resolver.computed}

    def addresses(self, name: str) -> tuple[str, ...] | None:
        """The addresses of a lower-case name without the last dot; None: there is no such name."""
        if name in self._records:
            return self._records[name]
        for names in self.resolver.computed:
            address = self._computed(names, name)
            if address is not None:
                return (address,)
        labels = name.split(".")
        for depth in range(1, len(labels)):
            wild = self._records.get(".".join(["*", *labels[depth:]]))
            if wild is not None:
                return wild
        return None

    def reverse(self, name: str) -> str | None:
        """The name of an address, asked for as 23.1.0.10.in-addr.arpa."""
        try:
            address = ipaddress.IPv4Address(".".join(reversed(name[: -len(_REVERSE)].split("."))))
        except ValueError:
            return None
        for names, networks in self._networks.items():
            if any(address in network for network in networks):
                return f"{names.prefix}{str(address).replace('.', '-')}.{names.domain}"
        return None

    def _computed(self, names: AddressNames, name: str) -> str | None:
        host, _, domain = name.partition(".")
        quad = _QUAD.fullmatch(host[len(names.prefix) :])
        if domain != names.domain or not host.startswith(names.prefix) or quad is None:
            return None
        try:
            address = ipaddress.IPv4Address(".".join(quad.groups()))
        except ValueError:
            return None
        return str(address) if any(address in network for network in self._networks[names]) else None


def answer(zone: Zone, query: dns.message.Message) -> dns.message.Message:
    """The response to a query, of any size."""
    response = dns.message.make_response(query, recursion_available=True, our_payload=MAX_UDP_SIZE)
    if query.opcode() != dns.opcode.QUERY:
        response.set_rcode(dns.rcode.NOTIMP)
        return response
    if len(query.question) != 1 or query.question[0].rdclass != dns.rdataclass.IN:
        response.set_rcode(dns.rcode.REFUSED)
        return response
    question = query.question[0]
    name = question.name.to_text(omit_final_dot=True).lower()
    if name.endswith(_REVERSE):
        target = zone.reverse(name)
        known, kind = target is not None, dns.rdatatype.PTR
        values = [f"{target}."] if target else []
    else:
        found = zone.addresses(name)
        known, kind = found is not None, dns.rdatatype.A
        values = list(found or ())
    if known and question.rdtype in (kind, dns.rdatatype.ANY):
        response.answer.append(dns.rrset.from_text_list(question.name, TTL_S, "IN", kind, values))
        return response
    if not known:
        response.set_rcode(dns.rcode.NXDOMAIN)
    response.authority.append(_authority(question.name))
    return response


def wire_answer(zone: Zone, query: dns.message.Message, limit: int) -> bytes:
    """The response in at most `limit` bytes: what does not fit is cut and says so (TC)."""
    response = answer(zone, query)
    data = response.to_wire(max_size=65535)
    if len(data) <= limit:
        return data
    short = dns.message.make_response(query, recursion_available=True, our_payload=MAX_UDP_SIZE)
    short.set_rcode(response.rcode())
    short.flags |= dns.flags.TC
    return short.to_wire(max_size=limit)


def parse(data: bytes) -> dns.message.Message | None:
    """A query, or None for what is none and gets no answer."""
    try:
        query = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError, struct.error):
        return None
    return None if query.flags & dns.flags.QR else query


def _authority(name: dns.name.Name) -> dns.rrset.RRset:
    """The SOA of a negative answer, whose minimum is how long it may be remembered."""
    zone = dns.name.Name(name.labels[-3:]) if len(name.labels) > 3 else name
    text = f"ns.amazonaws.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 {TTL_S}"
    return dns.rrset.from_text(zone, TTL_S, "IN", "SOA", text)


class _Server:
    """One address in one namespace.  The zone may change under it; its sockets stay."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self._udp: socket.socket | None = None
        self._tcp: asyncio.Server | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._namespaces: Namespaces | None = None

    async def start(self, namespaces: Namespaces, namespace: str, address: str) -> None:
        """Raises OSError when the address cannot be bound."""
        self._namespaces = namespaces
        udp = namespaces.socket_in(namespace, socket.AF_INET, socket.SOCK_DGRAM)
        tcp = namespaces.socket_in(namespace, socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            udp.setblocking(False)
            udp.bind((address, PORT))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((address, PORT))
            self._tcp = await asyncio.start_server(self._serve_connection, sock=tcp)
        except OSError:
            udp.close()
            tcp.close()
            raise
        self._udp = udp
        asyncio.get_running_loop().add_reader(udp, self._read_udp)

    async def close(self) -> None:
        if self._udp is not None:
            asyncio.get_running_loop().remove_reader(self._udp)
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for task in tuple(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _read_udp(self) -> None:
        assert self._udp is not None
        for _ in range(64):  # then let others have the loop
            try:
                data, client = self._udp.recvfrom(4096)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier answer
                continue
            query = parse(data)
            if query is None:
                continue
            limit = (
                PLAIN_UDP_SIZE if query.edns < 0 else min(max(query.payload, PLAIN_UDP_SIZE), MAX_UDP_SIZE)
            )
            if self._is_foreign(query):
                self._spawn(self._forward_udp(data, client))
            else:
                self._send_udp(wire_answer(self.zone, query, limit), client)

    def _send_udp(self, data: bytes, client: tuple[str, int]) -> None:
        assert self._udp is not None
        with contextlib.suppress(OSError):  # a full queue or a client that went: DNS repeats
            self._udp.sendto(data, client)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._asking.add(task)
        try:
            while True:
                head = await within(TCP_IDLE_S, reader.readexactly(2))
                body = reader.readexactly(int.from_bytes(head, "big"))
                data = await within(TCP_IDLE_S, body)
                query = parse(data)
                if query is None:
                    return
                foreign = self._is_foreign(query)
                reply = await self._ask_upstream(data) if foreign else wire_answer(self.zone, query, 65535)
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await within(TCP_IDLE_S, writer.drain())
        except (OSError, EOFError, asyncio.TimeoutError):
            return
        finally:
            self._asking.discard(task)
            writer.close()

    def _is_foreign(self, query: dns.message.Message) -> bool:
        """Only an upstream can know it."""
        if self.zone.resolver.upstream is None or len(query.question) != 1:
            return False
        return answer(self.zone, query).rcode() == dns.rcode.NXDOMAIN

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _forward_udp(self, data: bytes, client: tuple[str, int]) -> None:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            self._send_udp(await self._ask_upstream(data), client)

    async def _ask_upstream(self, data: bytes) -> bytes:
        """Ask over UDP from where the upstream is.  Raises OSError or asyncio.TimeoutError."""
        loop = asyncio.get_running_loop()
        resolver = self.zone.resolver
        assert self._namespaces is not None
        with self._namespaces.socket_in(
            resolver.upstream_namespace, socket.AF_INET, socket.SOCK_DGRAM
        ) as sock:
            sock.setblocking(False)
            sock.connect((resolver.upstream, PORT))
            await loop.sock_sendall(sock, data)
            return await within(UPSTREAM_TIMEOUT_S, loop.sock_recv(sock, 65535))


class Resolvers:
    """All resolvers of a host."""

    def __init__(self, run_dir: Path) -> None:
        self._namespaces = Namespaces(run_dir)
        self._servers: dict[tuple[str, str], _Server] = {}

    async def apply(self, program: NetworkProgram) -> tuple[Problem, ...]:
        """Serve what the program names.  Sockets that stay are not touched; only their zones change."""
        wanted = {(r.namespace, address): r for r in program.resolvers for address in r.addresses}
        for key in [key for key in self._servers if key not in wanted]:
            await self._servers.pop(key).close()
        problems = []
        for key, resolver in wanted.items():
            server = self._servers.get(key)
            if server is not None:
                if server.zone.resolver != resolver:
                    server.zone = Zone(resolver)
                continue
            server = _Server(Zone(resolver))
            namespace, address = key
            try:
                await server.start(self._namespaces, namespace, address)
            except OSError as error:
                problems.append(Problem(subject=namespace, text=f"resolver at {address}: {error}"))
                continue
            self._servers[key] = server
        return tuple(problems)

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()
        self._servers.clear()
        self._namespaces.close()
