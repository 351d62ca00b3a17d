"""A target that dies over a request, whatever connection of a client the request came on."""

import http.client
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.balancer.backends import Backend, backends
from tests.balancer.certificates import certificate
from tests.balancer.engine import Running, Setup, forward, running
from tests.balancer.test_requests import PAGE

from seawall.compile.balancer.access_log import elb_status
from seawall.compile.balancer.metrics import application_metrics

DEATHS = ["/close", "/reset"]
BODY = b"x" * 300_000


def ask(client: http.client.HTTPConnection, path: str, method: str = "GET", body: bytes = b"") -> int:
    """The status; the page of 502 is compared."""
    client.request(method, path, body=body or None)
    with client.getresponse() as response:
        text = response.read().decode("latin-1")
        if response.status == 502:
            told = response.getheader("server"), response.getheader("content-type")
            assert told == ("awselb/2.0", "text/html") and response.getheader("date")
            assert response.getheader("connection") == "close"
            assert text == ("" if method == "HEAD" else PAGE.format("502 Bad Gateway"))
    return response.status


@contextmanager
def behind(folder: Path, idle: str = "60") -> Iterator[tuple[Backend, int, int, Running]]:
    """A target; the ports of listeners without and with TLS."""
    made = certificate("a.example")
    setup = Setup(attributes={"idle_timeout.timeout_seconds": idle}, certificates=[made])
    with backends("one") as (one,):
        ports = (
            setup.listen(forward("one")),
            setup.listen(forward("one"), "HTTPS", certificate_arns=(made.arn,)),
        )
        setup.group("one", one.port)
        with running(setup.program(), folder) as engine:
            yield one, *ports, engine


@contextmanager
def kept(port: int) -> Iterator[http.client.HTTPConnection]:
    """A connection that had an answer."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        assert ask(client, "/") == 200
        yield client
    finally:
        client.close()


def over_http2(port: int, *paths: str, body: str = "") -> list[str]:
    """The statuses of requests on one connection."""
    words = ["curl", "-sk", "-m", "20", "--http2", "-w", "%{http_version} %{num_connects} %{http_code}\n"]
    for path in paths:
        words += ["-o", "/dev/null", f"https://127.0.0.1:{port}{path}"]
    if body:
        words += ["-d", body]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    told = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in told] == [["2", "0" if number else "1"] for number in range(len(paths))]
    return [line[2] for line in told]


@pytest.mark.parametrize("path", DEATHS)
def test_the_first_request_of_a_connection_and_a_later_one(tmp_path: Path, path: str) -> None:
    with behind(tmp_path) as (one, port, _, _):
        for method, body in (("GET", b""), ("HEAD", b""), ("POST", b"x"), ("POST", BODY)):
            fresh = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            assert ask(fresh, path, method, body) == 502
            with kept(port) as client:
                assert ask(client, path, method, body) == 502
                assert ask(client, "/") == 200
            told = [line.partition(" HTTP")[0] for line in one.seen]
            assert told == [f"{method} {path}", "GET /", f"{method} {path}", "GET /"], "each once"
            one.seen.clear()


@pytest.mark.parametrize("path", DEATHS)
def test_requests_of_http2(tmp_path: Path, path: str) -> None:
    with behind(tmp_path) as (one, _, port, _):
        assert over_http2(port, path) == ["502"]
        assert over_http2(port, "/", path, "/") == ["200", "502", "200"]
        assert over_http2(port, path, body="x") == ["502"]
        dead = [line.split()[0] for line in one.seen if line.split()[1] == path]
        assert dead == ["GET", "GET", "POST"], "each once"


def test_a_target_that_is_too_late_is_504(tmp_path: Path) -> None:
    with behind(tmp_path, idle="1") as (_, port, secure, _):
        with kept(port) as client:
            assert ask(client, "/hang") == 504
        assert over_http2(secure, "/", "/hang") == ["200", "504"]


def test_a_body_may_take_longer_than_a_target_may_be_silent(tmp_path: Path) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
    with (
        behind(tmp_path, idle="1") as (_, port, _, _),
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        client.sendall(head)
        client.settimeout(0.4)
        for _ in range(4):
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.sendall(b"x")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_half_an_answer_is_cut_off(tmp_path: Path) -> None:
    with behind(tmp_path) as (_, port, _, _), kept(port) as client:
        client.request("GET", "/half")
        with client.getresponse() as response:
            assert response.status == 200
            with pytest.raises(http.client.IncompleteRead):
                response.read()


def test_it_is_told_of_and_counted(tmp_path: Path) -> None:
    with behind(tmp_path) as (_, port, secure, engine):
        for path in DEATHS:
            with kept(port) as client:
                assert ask(client, path) == 502
        assert over_http2(secure, "/", "/close") == ["200", "502"]
        requests = engine.requests(6)
    assert [(request.uri, elb_status(request), request.target_status) for request in requests] == [
        ("/", 200, "200"),
        ("/close", 502, "-"),
        ("/", 200, "200"),
        ("/reset", 502, "-"),
        ("/", 200, "200"),
        ("/close", 502, "-"),
    ]
    assert all(request.dispatched and request.connecting_ms >= 0 for request in requests)
    found = {m.name: m.total for m in application_metrics([], requests, {}) if m.target_group is None}
    assert found["HTTPCode_ELB_5XX_Count"] == found["HTTPCode_ELB_502_Count"] == 3


def test_a_client_that_left_first_is_still_460(tmp_path: Path) -> None:
    with behind(tmp_path) as (one, port, _, engine):
        with kept(port) as client:
            client.request("GET", "/hang")
            wait_for(lambda: len(one.seen) == 2)
        _, left = engine.requests(2)
    assert (left.uri, elb_status(left), left.target_status) == ("/hang", 460, "-")


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        pass
