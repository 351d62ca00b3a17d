"""TLS of listeners and to targets: certificates, policies, protocols."""

import json
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from tests.balancer.backends import backends
from tests.balancer.certificates import certificate
from tests.balancer.engine import NETWORK, Setup, fixed, forward, redirect, running, when

from seawall.model.ssl_policy import SSL_POLICIES


def shaken(port: int, name: str | None, alpn: list[str] | None = None, **limits: object) -> ssl.SSLSocket:
    """A connection whose handshake is done.  Raises ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for key, value in limits.items():
        if key == "ciphers":
            context.set_ciphers(str(value))
        else:
            setattr(context, key, value)
    if alpn:
        context.set_alpn_protocols(alpn)
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def shown(port: int, name: str | None, **limits: object) -> x509.Certificate:
    with shaken(port, name, **limits) as connection:  # type: ignore[arg-type]
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")


def received(server: socket.socket, count: int) -> bytes:
    """What the next client says first."""
    accepted, _ = server.accept()
    with accepted:
        accepted.settimeout(10)
        came = b""
        while len(came) < count and (data := accepted.recv(4096)):
            came += data
        return came


def curl(*words: str) -> str:
    return subprocess.run(
        ["curl", "-sk", "-m", "20", *words], capture_output=True, text=True, check=True
    ).stdout


def test_certificate_by_server_name_and_the_first_for_the_rest(tmp_path: Path) -> None:
    first, second, older = (
        certificate("a.example"),
        certificate("b.example"),
        certificate("b.example", elliptic=False),
    )
    setup = Setup(certificates=[first, second, older])
    port = setup.listen(
        fixed(200, "ok"),
        "HTTPS",
        certificate_arns=(first.arn, older.arn, second.arn),
        ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
    )
    with running(setup.program(), tmp_path):
        names = {
            name: shown(port, name).subject.rfc4514_string()
            for name in ("a.example", "b.example", "c.example", None)
        }
        assert names == {
            "a.example": "CN=a.example",
            "b.example": "CN=b.example",
            "c.example": "CN=a.example",
            None: "CN=a.example",
        }
        limited = {"maximum_version": ssl.TLSVersion.TLSv1_2}
        both = shown(port, "b.example", **limited).public_key().__class__.__name__
        rsa = (
            shown(port, "b.example", ciphers="ECDHE-RSA-AES128-GCM-SHA256", **limited)
            .public_key()
            .__class__.__name__
        )
        assert "EC" in both.upper() and "RSA" in rsa.upper()


@pytest.mark.parametrize("policy", sorted(SSL_POLICIES))
def test_policy_says_which_versions_are_spoken(tmp_path: Path, policy: str) -> None:
    made = certificate("a.example", elliptic=False)
    setup = Setup(certificates=[made])
    port = setup.listen(fixed(200, "ok"), "HTTPS", certificate_arns=(made.arn,), ssl_policy=policy)
    versions = {
        "TLSv1": ssl.TLSVersion.TLSv1,
        "TLSv1.1": ssl.TLSVersion.TLSv1_1,
        "TLSv1.2": ssl.TLSVersion.TLSv1_2,
        "TLSv1.3": ssl.TLSVersion.TLSv1_3,
    }
    spoken = set()
    with running(setup.program(), tmp_path), pytest.warns(DeprecationWarning):
        for name, version in versions.items():
            try:
                with shaken(
                    port,
                    "a.example",
                    minimum_version=version,
                    maximum_version=version,
                    ciphers="ALL:@SECLEVEL=0",
                ) as connection:
                    spoken.add(connection.version())
            except ssl.SSLError:
                assert name not in SSL_POLICIES[policy].protocols
    assert spoken == set(SSL_POLICIES[policy].protocols)


def test_http2_where_it_is_wanted(tmp_path: Path) -> None:
    made = certificate("a.example")
    for enabled, agreed in (("true", "h2"), ("false", "http/1.1")):
        setup = Setup(
            certificates=[made],
            attributes={
                "routing.http2.enabled": enabled,
                "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "true",
            },
        )
        folder = tmp_path / enabled
        folder.mkdir()
        with backends("one") as (one,):
            port = setup.listen(
                forward("one"),
                "HTTPS",
                certificate_arns=(made.arn,),
                ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            )
            setup.group("one", one.port)
            setup.rule(1, redirect(port="443", path="/x"), when("path-pattern", "/r"))
            with running(setup.program(), folder) as engine:
                with shaken(port, "a.example", ["h2", "http/1.1"]) as connection:
                    assert connection.selected_alpn_protocol() == agreed
                told = json.loads(curl("--http2", "-H", "Host: a.example", f"https://127.0.0.1:{port}/x?y"))
                headers = dict(told["headers"])
                assert headers["X-Forwarded-Proto"] == "https" and headers["X-Forwarded-Port"] == str(port)
                assert headers["x-amzn-tls-version"] == "TLSv1.3"
                assert headers["x-amzn-tls-cipher-suite"] == "TLS_AES_128_GCM_SHA256"
                assert told["line"] == "GET /x?y HTTP/1.1"
                moved = curl("-i", "--http2", f"https://127.0.0.1:{port}/r?q")
                assert "location: https://127.0.0.1:443/x?q" in moved.lower()
                requests = engine.requests(2)
                assert [request.major for request in requests] == ["2" if enabled == "true" else "1"] * 2


def test_targets_over_tls_are_not_verified(tmp_path: Path) -> None:
    made = certificate("target.example")
    inner, outer = Setup(certificates=[made]), Setup()
    secure = inner.listen(
        fixed(200, "inside"), "HTTPS", certificate_arns=(made.arn,), ssl_policy="ELBSecurityPolicy-2016-08"
    )
    port = outer.listen(forward("secure"))
    outer.group("secure", secure, protocol="HTTPS")
    for name in ("inner", "outer"):
        (tmp_path / name).mkdir()
    with running(inner.program(), tmp_path / "inner"), running(outer.program(), tmp_path / "outer"):
        assert curl(f"http://127.0.0.1:{port}/") == "inside"


def test_network_listener_ends_tls_and_tells_of_the_client(tmp_path: Path) -> None:
    made = certificate("a.example")
    setup = Setup(balancer=NETWORK, certificates=[made])
    with socket.create_server(("127.0.0.1", 0)) as server, backends("one") as (one,):
        port = setup.listen(
            forward("one"),
            "TLS",
            certificate_arns=(made.arn,),
            ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            alpn_policy="HTTP2Preferred",
        )
        telling = setup.listen(forward("telling"), "TCP")
        setup.listen(forward("kernel"), "TCP")
        setup.group("one", one.port)
        setup.group("telling", server.getsockname()[1], attributes={"proxy_protocol_v2.enabled": "true"})
        setup.group("kernel", 9)
        program = setup.program()
        assert {pool.name.partition(":")[0]: pool.engine for pool in program.pools} == {
            "one": True,
            "telling": True,
            "kernel": False,
        }
        with running(program, tmp_path):
            with shaken(port, "a.example", ["h2"]) as connection:
                assert connection.selected_alpn_protocol() == "h2"
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
            with socket.create_connection(("127.0.0.1", telling)) as client:
                client.sendall(b"hello")
                came = b""
                while not came.endswith(b"hello"):  # others only looked whether somebody listens
                    came = received(server, 33)
                assert came.startswith(b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c")
                assert came[16:20] == came[20:24] == b"\x7f\x00\x00\x01" and came.endswith(b"hello")
                assert int.from_bytes(came[24:26], "big") == client.getsockname()[1]
