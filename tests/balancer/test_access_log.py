"""Lines of access logs and metrics from what a real engine wrote of real requests."""

import re
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path

import msgspec
from tests.balancer.backends import backends
from tests.balancer.certificates import certificate
from tests.balancer.engine import (
    APPLICATION,
    Setup,
    ask,
    fixed,
    forward,
    free_port,
    group_id,
    redirect,
    running,
    when,
)

from seawall.compile.balancer.access_log import AccessLogNames, access_log_line
from seawall.compile.balancer.log_line import Request
from seawall.compile.balancer.metrics import application_metrics
from seawall.compile.balancer.text import frontend_name

TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
SECONDS = r"\d+\.\d{3}"
TRACE = r'"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"'
LOGGED = {"access_logs.s3.enabled": "true"}


def fields(line: str) -> list[str]:
    return re.findall(r'"[^"]*"|\S+', line)


def names(setup: Setup) -> AccessLogNames:
    return AccessLogNames(
        region="us-east-1",
        account="000000000000",
        load_balancer_id=APPLICATION,
        listeners={frontend_name(listener.id): listener for listener in setup.listeners},
    )


def test_lines_have_every_field_in_its_place(tmp_path: Path) -> None:
    setup = Setup(attributes=LOGGED)
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.rule(7, redirect(protocol="HTTPS", port="443"), when("path-pattern", "/r"))
        setup.rule(8, fixed(403, "no"), when("path-pattern", "/f"))
        setup.rule(9, forward("gone"), when("path-pattern", "/gone"))
        setup.group("one", one.port)
        setup.group("gone", free_port())
        with running(setup.program(), tmp_path) as engine:
            agent = 'curl "x" \\'
            ask(port, "/a?b=%20c", {"Host": "a.example", "User-Agent": agent}, method="POST", body=b"12345")
            ask(port, "/r", {"Host": "a.example:80"})
            ask(port, "/f")
            ask(port, "/gone")
            lines = [access_log_line(request, names(setup)) for request in engine.requests(4)]
    forwarded, moved, refused, gone = map(fields, lines)
    group = f"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/{group_id('one')}"
    expected = ["http", TIME, APPLICATION, r"127\.0\.0\.1:\d+", rf"127\.0\.0\.1:{one.port}"]
    expected += [SECONDS, SECONDS, SECONDS, "200", "200", r"\d+", r"\d+"]
    expected += [rf'"POST http://a\.example:{port}/a\?b=%20c HTTP/1\.1"', r'"curl \\x22x\\x22 \\x5C"']
    expected += ["-", "-", group, TRACE, '"-"', '"-"', "0", TIME, '"forward"', '"-"', '"-"']
    expected += [rf'"127\.0\.0\.1:{one.port}"', '"200"', '"-"', '"-"']
    assert len(forwarded) == len(expected) == 29
    for told, pattern in zip(forwarded, expected, strict=True):
        assert re.fullmatch(pattern, told), (told, pattern)
    assert moved[4:10] == ["-", "-1", "-1", "-1", "301", "-"]
    assert moved[12] == '"GET http://a.example:80/r HTTP/1.1"'
    assert moved[20] == "7" and moved[22:24] == ['"redirect"', '"https://a.example:443/r"']
    assert refused[8] == "403" and refused[20] == "8" and refused[22] == '"fixed-response"'
    assert gone[5:10] == ["-1", "-1", "-1", "502", "-"] and gone[22] == '"forward"'


def test_a_client_that_left_is_460(tmp_path: Path) -> None:
    setup = Setup(attributes=LOGGED)
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path) as engine:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
                while not one.seen:
                    pass
            (request,) = engine.requests(1)
    told = fields(access_log_line(request, names(setup)))
    assert told[8:10] == ["460", "-"]


def test_tls_is_told_of(tmp_path: Path) -> None:
    made = certificate("a.example")
    setup = Setup(attributes=LOGGED, certificates=[made])
    port = setup.listen(fixed(200, "x"), "HTTPS", certificate_arns=(made.arn,))
    with running(setup.program(), tmp_path) as engine:
        subprocess.run(
            [
                "curl",
                "-sk",
                "--http2",
                "--resolve",
                f"a.example:{port}:127.0.0.1",
                f"https://a.example:{port}/",
            ],
            check=True,
            capture_output=True,
        )
        (request,) = engine.requests(1)
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    print_ = (
        x509.load_pem_x509_certificate(made.certificate.encode()).fingerprint(hashes.SHA1()).hex().upper()
    )
    known = AccessLogNames(
        region="r", account="a", load_balancer_id=APPLICATION, listeners={}, certificates={print_: made.arn}
    )
    told = fields(access_log_line(request, known))
    assert told[0] == "h2" and told[14:16] == ["ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2"]
    assert told[18:20] == ['"a.example"', f'"{made.arn}"']


def test_metrics_are_counted_from_lines_and_counters(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.rule(1, redirect(port="81"), when("path-pattern", "/r"))
        setup.rule(2, fixed(404, "x"), when("path-pattern", "/f"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path) as engine:
            for path in ("/", "/", "/status/500", "/close", "/r", "/f", "/f"):
                ask(port, path)
            requests = engine.requests(7)
    group = group_id("one")
    pool = group.replace("/", ":")
    growth = [
        (pool, "abc", "hrsp_2xx", 2),
        (pool, "abc", "hrsp_5xx", 1),
        (pool, "abc", "stot", 4),
        (pool, "BACKEND", "hrsp_5xx", 2),
        (pool, "BACKEND", "connect", 1),
        ("listener:1", "FRONTEND", "conn_tot", 7),
        ("listener:1", "FRONTEND", "bin", 700),
        ("listener:1", "FRONTEND", "bout", 300),
    ]
    found = application_metrics(growth, requests, {group: 2})
    totals = {(m.name, m.target_group): m.total for m in found if m.name != "TargetResponseTime"}
    assert totals == {
        ("RequestCount", None): 3,
        ("RequestCount", group): 3,
        ("HTTPCode_Target_2XX_Count", None): 2,
        ("HTTPCode_Target_2XX_Count", group): 2,
        ("HTTPCode_Target_5XX_Count", None): 1,
        ("HTTPCode_Target_5XX_Count", group): 1,
        ("HTTPCode_ELB_3XX_Count", None): 1,
        ("HTTPCode_ELB_4XX_Count", None): 2,
        ("HTTPCode_ELB_5XX_Count", None): 1,
        ("HTTPCode_ELB_502_Count", None): 1,
        ("HTTP_Redirect_Count", None): 1,
        ("HTTP_Fixed_Response_Count", None): 2,
        ("NewConnectionCount", None): 8,
        ("ProcessedBytes", None): 1000,
        ("RequestCountPerTarget", group): 2,
    }
    times = {m.target_group: m for m in found if m.name == "TargetResponseTime"}
    assert set(times) == {None, group} and times[group].seen == 3 and times[group].most < 5


def test_busy_listeners_pass_over_most_lines_and_say_so(tmp_path: Path) -> None:
    """A hundred a second are told, here ten; errors are all told."""
    setup = Setup()
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.rule(1, forward("empty"), when("path-pattern", "/empty"))
        setup.group("one", one.port)
        setup.group("empty")

        def eager(text: str) -> str:
            assert "ge 100000000000" in text
            return text.replace("ge 100000000000", "ge 10000000000")

        with running(setup.program(), tmp_path, eager) as engine:
            for _ in range(200):
                ask(port)
            for _ in range(5):
                ask(port, "/empty")
            seen: list[Request] = []
            while sum(request.status == 503 for request in seen) < 5:
                seen += engine.requests(1)
    kinds = Counter(request.status for request in seen)
    assert kinds[503] == 5 and 10 <= kinds[200] < 100
    assert all(request.times == 1 for request in seen if request.status == 503)
    rates = [int(request.rate) for request in seen if request.status == 200]
    assert max(rates) > 20 and 60 < sum(max(1, rate / 10) for rate in rates) < 400


def test_a_line_stands_for_as_many_as_are_passed_over(tmp_path: Path) -> None:
    setup = Setup()
    port = setup.listen(fixed(200, "x"))
    with running(setup.program(), tmp_path) as engine:
        ask(port)
        (request,) = engine.requests(1)
    assert request.times == 1 and request.decided_by == "0"
    assert msgspec.structs.replace(request, rate="250").times == 2.5


def test_busy_listeners_tell_every_request_where_access_logs_are_on(tmp_path: Path) -> None:
    setup = Setup(attributes=LOGGED)
    with backends("one") as (one,):
        port = setup.listen(forward("one"))
        setup.group("one", one.port)
        with running(setup.program(), tmp_path) as engine:
            began = time.monotonic()
            for _ in range(300):
                ask(port)
            assert time.monotonic() - began < 2.9  # above a hundred a second
            requests = engine.requests(300)
    assert {request.times for request in requests} == {1} and len(requests) == 300
