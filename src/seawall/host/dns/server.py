"""One name server: UDP and TCP on port 53 of one address in one namespace, in the agent's own loop.

Sources: RFC 1035 section 4.2, RFC 7766 (TCP).
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Coroutine
from functools import partial

import dns.exception
import dns.flags
import dns.message
import dns.rrset

from seawall.host.deadline import within
from seawall.host.dns.message import (
    MAX_TCP_SIZE,
    NOERROR,
    SERVFAIL,
    Query,
    Record,
    parse_query,
    write_answer,
    write_query,
)
from seawall.host.dns.names import Answer, Names
from seawall.host.dns.record_set import wire_data
from seawall.host.held_sockets import HeldSockets, is_in
from seawall.host.namespaces import Namespaces
from seawall.program.network import Resolver

PORT = 53
HELD_AS = "dns"  # as a kind of held sockets
TCP_IDLE_S = 10.0
UPSTREAM_TIMEOUT_S = 3.0
MOST_WAITING = 256  # connections and questions to the upstream at once; more get no answer
ROOM = 1 << 20  # bytes of packets that may wait while no agent runs; the kernel gives what it allows
READ_AT_ONCE = 64  # packets, then others have the loop


class NameServer:
    """At one address in one namespace.  What it knows may change under it; its sockets stay."""

    def __init__(
        self,
        namespaces: Namespaces,
        held: HeldSockets,
        place: tuple[str, str],
        resolver: Resolver,
        names: Names,
    ) -> None:
        self.resolver = resolver
        self.names = names
        self._namespaces = namespaces
        self._held = held
        self._namespace, self._address = place
        self._udp: socket.socket | None = None
        self._tcp: asyncio.Server | None = None
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def outlived(self) -> bool:
        """Whether an agent before this one has left its sockets."""
        return self._held.has(self._name("udp")) and self._held.has(self._name("tcp"))

    async def start(self) -> None:
        """Raises OSError when the address cannot be bound."""
        try:
            udp = self._socket("udp", self._bind_udp)
            tcp = self._socket("tcp", self._bind_tcp)
            self._tcp = await asyncio.start_server(self._serve_connection, sock=tcp)
        except OSError:
            self._let_go()
            raise
        self._udp = udp
        asyncio.get_running_loop().add_reader(udp, self._read_udp)

    def _socket(self, kind: str, make: Callable[[], socket.socket]) -> socket.socket:
        fits = partial(is_in, self._namespaces, self._namespace)
        return self._held.obtain(self._name(kind), make, fits)

    def _name(self, kind: str) -> str:
        return f"{HELD_AS}/{kind}/{self._namespace}/{self._address}"

    def _bind_udp(self) -> socket.socket:
        udp = self._namespaces.socket_in(self._namespace, _family(self._address), socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
            udp.bind((self._address, PORT))
        except OSError:
            udp.close()
            raise
        return udp

    def _bind_tcp(self) -> socket.socket:
        family = _family(self._address)
        tcp = self._namespaces.socket_in(self._namespace, family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((self._address, PORT))
        except OSError:
            tcp.close()
            raise
        return tcp

    def _let_go(self) -> None:
        for kind in ("udp", "tcp"):
            self._held.let_go(self._name(kind))

    async def close(self) -> None:
        if self._udp is not None:
            asyncio.get_running_loop().remove_reader(self._udp)
        if self._tcp is not None:
            self._tcp.close()
        self._let_go()
        for task in tuple(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def _read_udp(self) -> None:
        """A question stays in the socket until it has been answered: the next agent may have to."""
        assert self._udp is not None
        for _ in range(READ_AT_ONCE):
            try:
                data, client = self._udp.recvfrom(4096, socket.MSG_PEEK)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier answer
                continue
            try:
                self._take_up(data, client)
            finally:
                with contextlib.suppress(OSError):  # as above; then it is answered twice
                    self._udp.recv(1)

    def _take_up(self, data: bytes, client: tuple[str, int]) -> None:
        query = parse_query(data)
        if query is None:
            return
        answer = self._answer(query)
        if answer.elsewhere is None:
            self._send_udp(_write(query, answer, query.udp_limit), client)
        else:
            self._spawn(self._forward_udp(query, answer, client))

    def _answer(self, query: Query) -> Answer:
        if query.fault:
            return Answer(query.fault, [], None)
        found = self.names.answer(query.name, query.type)
        return found if self.resolver.upstream is not None else found._replace(elsewhere=None)

    def _send_udp(self, data: bytes, client: tuple[str, int]) -> None:
        assert self._udp is not None
        with contextlib.suppress(OSError):  # a full queue or a client that went: DNS repeats
            self._udp.sendto(data, client)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._waiting) >= MOST_WAITING:
            writer.close()
            return
        self._waiting.add(task)
        try:
            while True:
                head = await within(TCP_IDLE_S, reader.readexactly(2))
                body = reader.readexactly(int.from_bytes(head, "big"))
                query = parse_query(await within(TCP_IDLE_S, body))
                if query is None:
                    return
                answer = self._answer(query)
                if answer.elsewhere is not None:
                    answer = await self._complete(answer, query.type)
                reply = _write(query, answer, MAX_TCP_SIZE)
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await within(TCP_IDLE_S, writer.drain())
        except (OSError, EOFError, asyncio.TimeoutError):
            return
        finally:
            self._waiting.discard(task)
            writer.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _forward_udp(self, query: Query, answer: Answer, client: tuple[str, int]) -> None:
        whole = await self._complete(answer, query.type)
        self._send_udp(_write(query, whole, query.udp_limit), client)

    async def _complete(self, answer: Answer, type: int) -> Answer:
        """An answer with what the upstream says of the name that lies elsewhere."""
        assert answer.elsewhere is not None
        try:
            said = await self._ask_upstream(answer.elsewhere, type)
        except (OSError, EOFError, asyncio.TimeoutError, dns.exception.DNSException):
            return Answer(SERVFAIL, [], None)
        records, authority = _records(said.answer), _records(said.authority)
        rcode = int(said.rcode())
        soa = authority[0] if authority and not records else None
        return Answer(rcode if rcode else NOERROR, answer.records + records, soa)

    async def _ask_upstream(self, name: bytes, type: int) -> dns.message.Message:
        """Ask from where the upstream is, over TCP where UDP does not suffice.

        Raises OSError, EOFError, asyncio.TimeoutError or dns.exception.DNSException.
        """
        assert self.resolver.upstream is not None
        query = write_query(random.getrandbits(16), name, type)
        server, where = self.resolver.upstream, self.resolver.upstream_namespace
        with self._namespaces.socket_in(where, _family(server), socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((server, PORT))
            said = dns.message.from_wire(await within(UPSTREAM_TIMEOUT_S, _exchange(sock, query)))
        if not said.flags & dns.flags.TC:
            return said
        with self._namespaces.socket_in(where, _family(server), socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            data = await within(UPSTREAM_TIMEOUT_S, _exchange_tcp(sock, (server, PORT), query))
        return dns.message.from_wire(data)


async def _exchange(sock: socket.socket, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, query)
    while True:
        data = await loop.sock_recv(sock, MAX_TCP_SIZE)
        if data[:2] == query[:2]:
            return data


async def _exchange_tcp(sock: socket.socket, server: tuple[str, int], query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, server)
    await loop.sock_sendall(sock, len(query).to_bytes(2, "big") + query)
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        more = await loop.sock_recv(sock, MAX_TCP_SIZE)
        if not more:
            raise EOFError("the upstream hung up")
        data += more
    return data[2:]


def _records(section: list[dns.rrset.RRset]) -> list[Record]:
    return [
        Record(rrset.name.to_digestable(), int(rrset.rdtype), rrset.ttl, wire_data(data))
        for rrset in section
        for data in rrset
    ]


def _write(query: Query, answer: Answer, limit: int) -> bytes:
    return write_answer(query, answer.rcode, answer.records, answer.authority, limit)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
