"""HTTPS, names and signed calls against real servers on loopback."""

import asyncio
import base64
import json
import socket
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKeys
from tests.host.tls_server import Answer, Asked, https_server

from seawall.host.ecr_login import RegistryCredentials, ecr_token
from seawall.host.failure import FailedStep
from seawall.host.namespace_http import NamespaceHttp, RequestFailed
from seawall.host.namespace_names import UnknownName, resolve
from seawall.host.namespaces import Namespaces
from seawall.program.task import Credentials, EcrLogin

KEYS = Credentials(access_key_id="ASIAKEY", secret_access_key="secret", session_token="session")


@pytest.fixture
def namespaces(tmp_path: Path) -> Namespaces:
    return Namespaces(tmp_path / "run")


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_an_answer_of_any_length(tmp_path: Path, namespaces: Namespaces) -> None:
    async def run() -> None:
        def handle(asked: Asked) -> Answer:
            return 201, {"X-Asked": f"{asked.method} {asked.target}"}, asked.body * 1000

        async with https_server(tmp_path, handle) as (host, ca):
            http = NamespaceHttp(namespaces, ca)
            answer = await http.request(None, (), "PUT", f"https://{host}/a?b=c", {}, b"x" * 500)
        assert answer.status == 201
        assert answer.headers["x-asked"] == "PUT /a?b=c"
        assert answer.body == b"x" * 500_000

    asyncio.run(run())


def test_a_kept_connection_is_for_the_next_request_there(tmp_path: Path, namespaces: Namespaces) -> None:
    async def run() -> None:
        def handle(asked: Asked) -> Answer:
            return 200, {"Connection": "close"} if asked.target == "/last" else {}, b"%d" % asked.connection

        async with https_server(tmp_path, handle) as (host, ca):
            http = NamespaceHttp(namespaces, ca)

            async def ask(path: str, *, keep: bool) -> bytes:
                return (await http.request(None, (), "GET", f"https://{host}{path}", {}, keep=keep)).body

            assert [await ask("/", keep=keep) for keep in (True, True, False)] == [b"1", b"1", b"1"]
            assert [await ask("/", keep=True), await ask("/last", keep=True)] == [b"2", b"2"]
            assert await ask("/", keep=False) == b"3"

    asyncio.run(run())


def test_an_authority_that_is_not_known_is_refused(tmp_path: Path, namespaces: Namespaces) -> None:
    async def run() -> None:
        async with https_server(tmp_path, lambda _: (200, {}, b"")) as (host, _):
            with pytest.raises(RequestFailed) as failed:
                await NamespaceHttp(namespaces, None).request(None, (), "GET", f"https://{host}/", {})
        assert failed.value.cause == "tls"
        assert "certificate" in failed.value.text

    asyncio.run(run())


def test_nobody_listens(namespaces: Namespaces) -> None:
    port = closed_port()
    with pytest.raises(RequestFailed) as failed:
        asyncio.run(
            NamespaceHttp(namespaces, None).request(None, (), "GET", f"https://127.0.0.1:{port}/", {})
        )
    assert failed.value.cause == "refused"
    assert failed.value.text == f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert failed.value.address == f"127.0.0.1:{port}"


def test_a_server_that_never_answers(namespaces: Namespaces) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RequestFailed) as failed:
            asyncio.run(
                NamespaceHttp(namespaces, None).request(
                    None, (), "GET", f"http://{host}/", {}, timeout_s=0.05
                )
            )
        with pytest.raises(RequestFailed) as failed_tls:
            asyncio.run(
                NamespaceHttp(namespaces, None).request(
                    None, (), "GET", f"https://{host}/", {}, connect_timeout_s=0.05
                )
            )
    assert (failed.value.cause, failed.value.address) == ("timeout", host)
    assert failed_tls.value.text == f"dial tcp {host}: i/o timeout"


class NameServer(asyncio.DatagramProtocol):
    """Knows a.test (through an alias); big.test only by TCP; nothing else exists."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(self.answer(data, udp=True), addr)

    def answer(self, data: bytes, *, udp: bool) -> bytes:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        name = str(query.question[0].name)
        if name == "a.test.":
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "b.test."))
            answer.answer.append(dns.rrset.from_text("b.test.", 60, "IN", "A", "10.0.0.1", "10.0.0.2"))
        elif name == "big.test." and udp:
            answer.flags |= dns.flags.TC
        elif name == "big.test.":
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "10.0.0.3"))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        wire = self.answer(data, udp=False)
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def test_names_by_udp_and_tcp(namespaces: Namespaces) -> None:
    async def run() -> None:
        server = NameServer()
        tcp = await asyncio.start_server(server.serve_tcp, "127.0.0.1", 0)
        port = int(tcp.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", port))

        async def ask(name: str, *servers: str) -> set[str]:
            return set(await resolve(namespaces, None, servers or ("127.0.0.1",), name, port=port))

        try:
            assert await ask("a.test") == {"10.0.0.1", "10.0.0.2"}
            assert await ask("big.test") == {"10.0.0.3"}
            assert await ask("a.test", "127.0.0.9", "127.0.0.1") == {"10.0.0.1", "10.0.0.2"}
            with pytest.raises(UnknownName, match=rf"lookup c\.test on 127\.0\.0\.1:{port}: no such host"):
                await ask("c.test")
            with pytest.raises(UnknownName):
                await ask("a.test", "127.0.0.9")
        finally:
            transport.close()
            tcp.close()
            await tcp.wait_closed()

    asyncio.run(run())


def login(host: str) -> EcrLogin:
    return EcrLogin(endpoint=host, region="eu-west-1", credentials=KEYS)


def test_the_registry_token_is_asked_with_a_signature_that_holds(
    tmp_path: Path, namespaces: Namespaces
) -> None:
    async def run() -> None:
        def handle(asked: Asked) -> Answer:
            assert asked.headers["x-amz-target"].endswith(".GetAuthorizationToken")
            assert asked.headers["x-amz-security-token"] == KEYS.session_token
            assert signature_holds(asked, "ecr", "eu-west-1")
            token = base64.b64encode(b"AWS:pass:word").decode()
            return 200, {}, json.dumps({"authorizationData": [{"authorizationToken": token}]}).encode()

        async with https_server(tmp_path, handle) as (host, ca):
            http = NamespaceHttp(namespaces, ca)
            assert await ecr_token(http, None, (), login(host)) == RegistryCredentials("AWS", "pass:word")

    asyncio.run(run())


def signature_holds(asked: Asked, service: str, region: str) -> bool:
    """Whether signing the request as it came gives the signature that it carries."""
    request = AWSRequest(
        method=asked.method, url=f"https://{asked.headers['host']}{asked.target}", data=asked.body
    )
    request.context["timestamp"] = asked.headers["x-amz-date"]
    for name in ("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"):
        request.headers[name] = asked.headers[name]
    auth = SigV4Auth(SigningKeys(KEYS.access_key_id, KEYS.secret_access_key, None), service, region)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return asked.headers["authorization"].endswith(f"Signature={signature}")


def test_a_login_refused_is_told_once_in_the_services_words(tmp_path: Path, namespaces: Namespaces) -> None:
    asked: list[Asked] = []

    async def run() -> None:
        def handle(request: Asked) -> Answer:
            asked.append(request)
            return 400, {}, b'{"__type":"AccessDeniedException","message":"User is not authorized"}'

        async with https_server(tmp_path, handle) as (host, ca):
            with pytest.raises(FailedStep) as failed:
                await ecr_token(NamespaceHttp(namespaces, ca), None, (), login(host))
        failure = failed.value.failure
        assert (failure.step, failure.cause, failure.attempts) == ("registry_auth", "denied", 1)
        assert failure.text == "AccessDeniedException: User is not authorized"

    asyncio.run(run())
    assert len(asked) == 1


def test_a_login_without_a_way_is_tried_twice(namespaces: Namespaces) -> None:
    host = f"127.0.0.1:{closed_port()}"
    with pytest.raises(FailedStep) as failed:
        asyncio.run(ecr_token(NamespaceHttp(namespaces, None), None, (), login(host)))
    failure = failed.value.failure
    assert (failure.cause, failure.attempts) == ("refused", 2)
    assert (failure.url, failure.address) == (f"https://{host}/", host)
