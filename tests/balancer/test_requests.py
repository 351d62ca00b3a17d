"""What targets are sent, and what clients are answered, through a real engine."""

import http.client
import re
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.balancer.backends import backends
from tests.balancer.engine import Setup, ask, fixed, forward, free_port, redirect, running, when

PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n"
    "<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
)
TRACE = r"1-[0-9a-f]{8}-[0-9a-f]{24}"


def raw(port: int, sent: bytes) -> bytes:
    """All that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        came = b""
        while data := connection.recv(65536):
            came += data
        return came


def sent_headers(port: int, path: str = "/", headers: dict[str, str] | None = None) -> dict[str, str]:
    return dict(ask(port, path, headers or {}).told["headers"])


def test_a_target_is_told_of_the_client(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path):
            plain = sent_headers(port)
            assert plain["X-Forwarded-For"] == "127.0.0.1"
            assert plain["X-Forwarded-Proto"] == "http"
            assert plain["X-Forwarded-Port"] == str(port)
            assert re.fullmatch(f"Root={TRACE}", plain["X-Amzn-Trace-Id"])
            assert plain["Host"] == f"127.0.0.1:{port}"
            chained = sent_headers(
                port,
                headers={
                    "X-Forwarded-For": "10.9.9.9, 8.8.8.8",
                    "X-Forwarded-Proto": "https",
                    "Host": "a.example",
                    "X-Amzn-Trace-Id": "Self=1-1-2;Root=1-67891233-abcdef012345678912345678;CalledFrom=app",
                },
            )
            assert chained["X-Forwarded-For"] == "10.9.9.9, 8.8.8.8, 127.0.0.1"
            assert chained["X-Forwarded-Proto"] == "http"
            assert chained["Host"] == f"a.example:{port}"
            kept = "Root=1-67891233-abcdef012345678912345678;CalledFrom=app"
            assert re.fullmatch(f"Self={TRACE};{kept}", chained["X-Amzn-Trace-Id"])
            several = ask(port, "/", [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2")])
            every = [value for name, value in several.told["headers"] if name == "X-Forwarded-For"]
            assert every == ["1.1.1.1", "2.2.2.2", "127.0.0.1"]


@pytest.mark.parametrize(
    "attributes, headers, expected",
    [
        ({"xff_header_processing.mode": "preserve"}, {"X-Forwarded-For": "1.1.1.1"}, "1.1.1.1"),
        ({"xff_header_processing.mode": "preserve"}, {}, None),
        ({"xff_header_processing.mode": "remove"}, {"X-Forwarded-For": "1.1.1.1"}, None),
        (
            {"xff_client_port.enabled": "true"},
            {"X-Forwarded-For": "1.1.1.1"},
            r"1\.1\.1\.1, 127\.0\.0\.1:\d+",
        ),
        ({"xff_client_port.enabled": "true"}, {}, r"127\.0\.0\.1:\d+"),
    ],
)
def test_forwarded_for_as_the_attributes_say(
    tmp_path: Path, attributes: dict[str, str], headers: dict[str, str], expected: str | None
) -> None:
    setup = Setup(attributes={f"routing.http.{key}": value for key, value in attributes.items()})
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path):
            told = sent_headers(port, headers=headers).get("X-Forwarded-For")
            assert told == expected or (expected and told and re.fullmatch(expected, told))


def test_host_is_left_alone_if_it_is_to_be_and_odd_names_are_dropped(tmp_path: Path) -> None:
    setup = Setup(
        attributes={
            "routing.http.preserve_host_header.enabled": "true",
            "routing.http.drop_invalid_header_fields.enabled": "true",
        }
    )
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path):
            told = sent_headers(port, headers={"Host": "a.example", "x_y": "1", "X-Y-9": "2"})
            names = {name.lower() for name in told}
            assert told["Host"] == "a.example" and "x-y-9" in names and "x_y" not in names


def test_answers_of_rules(tmp_path: Path) -> None:
    setup = Setup()
    port = setup.listen(fixed(503, 'it\'s 100% "done"\r\n# \\ $HOME %[src] {}', "application/json"))
    setup.rule(1, redirect(protocol="HTTPS", port="443"), when("path-pattern", "/secure*"))
    other = redirect(
        host="new-#{host}",
        path="/x/#{path}",
        query="#{query}&was=#{protocol}:#{port}",
        status_code="HTTP_302",
    )
    setup.rule(2, other, when("path-pattern", "/moved/*"))
    setup.rule(3, redirect(path="/100%/[x]", query=""), when("path-pattern", "/bare"))
    setup.rule(4, fixed(204), when("path-pattern", "/empty"))
    with running(setup.program(), tmp_path):
        answer = ask(port, "/", {"Host": "a.example"})
        assert answer.status == 503 and answer.text == 'it\'s 100% "done"\r\n# \\ $HOME %[src] {}'
        assert answer.header("content-type") == "application/json; charset=utf-8"
        assert answer.header("server") == "awselb/2.0" and answer.header("date")
        moved = ask(port, "/secure/a?b=c", {"Host": "A.example:8080"})
        assert moved.status == 301 and moved.header("location") == "https://A.example:443/secure/a?b=c"
        assert moved.text == PAGE.format("301 Moved Permanently") and len(moved.text) == 134
        assert ask(port, "/secure", {"Host": "a"}).header("location") == "https://a:443/secure"
        found = ask(port, "/moved/p%20q?z", {"Host": "a.example"})
        assert found.status == 302
        assert found.header("location") == f"http://new-a.example:{port}/x/moved/p%20q?z&was=http:{port}"
        bare = ask(port, "/bare?q", {"Host": "a"})
        assert bare.header("location") == f"http://a:{port}/100%/[x]"
        assert (ask(port, "/empty").status, ask(port, "/empty").text) == (204, "")


def test_what_is_refused_before_any_rule(tmp_path: Path) -> None:
    setup = Setup()
    port = setup.listen(fixed(200, "served"))
    with running(setup.program(), tmp_path):
        assert ask(port, "/" + "a" * 17000).status == 414
        assert ask(port, "/" + "a" * 16000).status == 200
        assert ask(port, "/", {"X-Long": "a" * 17000}).text == PAGE.format("400 Bad Request")
        assert ask(port, "/", {f"X-{n}": "a" * 15000 for n in range(4)}).status == 200
        assert ask(port, "/", {f"X-{n}": "a" * 15000 for n in range(5)}).status == 400
        assert ask(port, "/", {"X-Forwarded-For": ",".join(["1.1.1.1"] * 31)}).status == 463
        assert ask(port, "/", {"X-Forwarded-For": ",".join(["1.1.1.1"] * 30)}).status == 200
        assert ask(port, "/", method="TRACE").status == 405
        malformed = raw(port, b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert malformed.startswith(b"HTTP/1.1 400 ")
        prior_knowledge = raw(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert prior_knowledge.startswith(b"HTTP/1.1 400 ")
        unknown = raw(port, b"GET / HTTP/3.7\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert unknown.startswith(b"HTTP/1.1 505 ")


def test_targets_that_do_not_answer_as_they_should(tmp_path: Path) -> None:
    setup = Setup(attributes={"idle_timeout.timeout_seconds": "1"})
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.rule(1, forward("empty"), when("path-pattern", "/empty"))
        setup.rule(2, forward("refusing"), when("path-pattern", "/refused"))
        setup.group("one", one.port)
        setup.group("empty")
        setup.group("refusing", free_port())
        with running(setup.program(), tmp_path):
            for path in ("/close", "/reset", "/junk", "/refused"):
                answer = ask(port, path)
                assert (answer.status, answer.text) == (502, PAGE.format("502 Bad Gateway")), path
                assert answer.header("server") == "awselb/2.0" and answer.header("date")
                assert len(answer.text) == 122
            empty = ask(port, "/empty")
            assert empty.text == PAGE.format("503 Service Temporarily Unavailable") and empty.status == 503
            with ThreadPoolExecutor() as pool:  # each takes a second
                hangs = pool.submit(ask, port, "/hang")
                half, nothing = (pool.submit(raw, port, sent) for sent in (b"GET / HTTP/1.1\r\nHost:", b""))
            late = hangs.result()
            assert (late.status, late.text) == (504, PAGE.format("504 Gateway Time-out"))
            assert ask(port, "/status/503").told["name"] == "one", "a target's own 503 is left as it is"
            assert half.result().startswith(b"HTTP/1.1 408 Request Time-out\r\n")
            assert nothing.result() == b""


def test_a_target_that_cannot_be_reached_in_time(tmp_path: Path) -> None:
    """Ten seconds are made half of one: nobody is accepting, and the queue of the socket is full."""
    setup = Setup()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        place = full.getsockname()
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(place)
            waiting.append(client)
        port = setup.listen(forward("full"))
        setup.group("full", place[1])

        def quicker(text: str) -> str:
            assert "timeout connect 5000ms" in text and "div(5000000)" in text
            return text.replace("timeout connect 5000ms", "timeout connect 250ms").replace(
                "div(5000000)", "div(250000)"
            )

        with running(setup.program(), tmp_path, quicker):
            answer = ask(port, "/")
        for client in waiting:
            client.close()
    assert (answer.status, answer.text) == (504, PAGE.format("504 Gateway Time-out"))


def test_a_request_that_reached_a_target_is_not_sent_again(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one", "two") as (one, two):
        port = setup.listen(forward("both"))
        setup.group("both", one.port, two.port)
        with running(setup.program(), tmp_path):
            for method in ("POST", "GET") * 5:
                assert ask(port, "/reset", method=method, body=b"x" * 10).status == 502
        assert len(one.seen + two.seen) == 10


def test_a_target_that_refuses_is_passed_by(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one") as (one,):
        port = setup.listen(forward("both"))
        setup.group("both", free_port(), one.port)
        with running(setup.program(), tmp_path):
            assert [ask(port, "/", method="POST", body=b"x").by for _ in range(20)] == ["one"] * 20


def test_targets_take_turns_and_weights_decide_between_groups(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one", "two", "three") as (one, two, three):
        port = setup.listen(forward("pair"))
        setup.rule(1, forward(pair=700, other=300, none=0), when("path-pattern", "/weighted"))
        setup.group("pair", one.port, two.port)
        setup.group("other", three.port)
        setup.group("none")
        with running(setup.program(), tmp_path):
            turns = Counter(ask(port).by for _ in range(20))
            assert turns == {"one": 10, "two": 10}
            many = Counter(ask(port, "/weighted").by for _ in range(1000))
    assert abs(many["three"] - 300) < 5 * (1000 * 0.3 * 0.7) ** 0.5


def test_a_websocket_is_a_tunnel(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path), socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(10)
            client.sendall(
                b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            came = b""
            while b"hello" not in came and (data := client.recv(65536)):
                came += data
            assert came.startswith(b"HTTP/1.1 101 ")
            for word in (b"\x81\x05first", b"\x00" * 100_000):
                client.sendall(word)
                echo = b""
                while len(echo) < len(word) and (data := client.recv(65536)):
                    echo += data
                assert echo == word


def test_a_connection_that_is_old_ends_with_an_answer(tmp_path: Path) -> None:
    setup = Setup(attributes={"client_keep_alive.seconds": "0"})
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path):
            came = raw(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"connection: close" in came.lower() and b'"name": "one"' in came


def test_a_connection_outlives_a_reload_until_its_next_answer(tmp_path: Path) -> None:
    """SIGUSR1 is what an engine gets from the one that comes after it."""
    setup = Setup()
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path) as engine:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            client.request("GET", "/1")
            with client.getresponse() as first:
                first.read()
            engine.process.send_signal(signal.SIGUSR1)
            while connects(port):
                pass
            client.request("GET", "/2")
            with client.getresponse() as second:
                assert second.status == 200 and second.getheader("connection") == "close"
                second.read()
            client.close()
            assert engine.process.wait(10) == 0


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
