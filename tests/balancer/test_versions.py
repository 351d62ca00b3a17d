"""HTTP/2 and gRPC through a real engine, and requests whose protocol is not the target group's."""

import subprocess
from pathlib import Path

from tests.balancer.backends import backends
from tests.balancer.certificates import certificate
from tests.balancer.engine import Setup, ask, fixed, forward, running, when
from tests.balancer.http2 import call, grpc_target
from tests.balancer.test_tls import shaken

POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


def status(port: int, *words: str) -> str:
    """The status of an answer over HTTP/2."""
    command = ["curl", "-sk", "-m", "20", "--http2", "-o", "/dev/null", "-w", "%{http_code}"]
    done = subprocess.run(
        [*command, *words, f"https://127.0.0.1:{port}/grpc"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_grpc_goes_to_a_target_that_speaks_it(tmp_path: Path) -> None:
    made = certificate("a.example")
    setup = Setup(certificates=[made])
    with grpc_target() as target, backends("plain") as (plain,):
        port = setup.listen(forward("grpc"), "HTTPS", certificate_arns=(made.arn,), ssl_policy=POLICY)
        setup.rule(1, forward("plain"), when("path-pattern", "/plain*"))
        setup.group("grpc", target.port, version="GRPC")
        setup.group("plain", plain.port)
        with running(setup.program(), tmp_path) as engine:
            for _ in range(3):
                with shaken(port, "a.example", ["h2"]) as connection:
                    body, blocks = call(connection, b"hello, target")
                assert body == b"hello, target"
                assert len(blocks) == 2, "headers before the message, trailers after it"
            assert [r.grpc for r in engine.requests(3)] == ["1"] * 3
            assert status(port) == "464", "gRPC is POST"
            assert ask_over_tls(port) == "464", "gRPC is HTTP/2"
            over = ["-H", "content-type: application/grpc", "-X", "POST", "--data-binary", "x"]
            assert status(port, *over) == "200"


def ask_over_tls(port: int) -> str:
    done = subprocess.run(
        [
            "curl",
            "-sk",
            "-m",
            "20",
            "--http1.1",
            "-X",
            "POST",
            "-d",
            "x",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
        ]
        + [f"https://127.0.0.1:{port}/grpc"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_http2_target_groups_want_http2_and_others_no_grpc(tmp_path: Path) -> None:
    made = certificate("a.example")
    inner, outer = Setup(certificates=[made]), Setup(certificates=[made])
    secure = {"certificate_arns": (made.arn,), "ssl_policy": POLICY}
    target = inner.listen(fixed(200, "over http/2"), "HTTPS", **secure)
    with backends("plain") as (plain,):
        port = outer.listen(forward("two"), "HTTPS", **secure)
        cleartext = outer.listen(forward("two"))
        outer.rule(1, forward("plain"), when("path-pattern", "/plain"))
        outer.group("two", target, version="HTTP2", protocol="HTTPS")
        outer.group("plain", plain.port)
        for name in ("inner", "outer"):
            (tmp_path / name).mkdir()
        with (
            running(inner.program(), tmp_path / "inner") as engine,
            running(outer.program(), tmp_path / "outer"),
        ):
            assert status(port) == "200"
            assert [request.major for request in engine.requests(1)] == ["2"]
            assert ask_over_tls(port) == "464"
            assert ask(cleartext).status == 464
            assert ask(cleartext, "/plain", {"Content-Type": "application/grpc"}).status == 464
            assert ask(cleartext, "/plain").by == "plain"
