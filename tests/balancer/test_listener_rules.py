"""Rules of listeners, asked of a real engine."""

from collections.abc import Iterator

import pytest
from tests.balancer.backends import backends
from tests.balancer.engine import Setup, ask, fixed, forward, running, when

from seawall.model.listener import QueryString


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    setup = Setup()
    with backends("one", "two") as (one, two):
        port = setup.listen(fixed(404, "default"))
        setup.group("one", one.port)
        setup.group("two", two.port)
        setup.rule(10, forward("one"), when("path-pattern", "/api/*", "/b?r"))
        setup.rule(20, forward("two"), when("host-header", "*.Example.com", "exact.org"))
        method = when("http-request-method", "PATCH", "CUSTOM-METHOD")
        setup.rule(30, fixed(200, "both"), when("path-pattern", "/both*"), method)
        setup.rule(35, fixed(200, "same"), when("path-pattern", "*"), method)
        setup.rule(
            40, fixed(200, "header"), when("http-header", "*Chrome*", "a? b", http_header_name="X-It's")
        )
        queries = (QueryString(key="Version", value="v1*"), QueryString(value=r"what\?"))
        setup.rule(50, fixed(200, "query"), when("query-string", queries=queries))
        setup.rule(60, fixed(200, "other source"), when("source-ip", "10.0.0.0/8"))
        setup.rule(
            70,
            fixed(200, "source"),
            when("source-ip", "127.0.0.0/30", "2001:db8::/32"),
            when("path-pattern", "/source"),
        )
        setup.rule(80, fixed(200, "signs"), when("path-pattern", "/$a.(b)+\"'~@:&"))
        with running(setup.program(), tmp_path_factory.mktemp("rules")):
            yield port


@pytest.mark.parametrize(
    "path, headers, method, answer",
    [
        ("/api/x", {}, "GET", "one"),
        ("/api/", {}, "GET", "one"),
        ("/api", {}, "GET", "default"),
        ("/API/x", {}, "GET", "default"),
        ("/bar", {}, "GET", "one"),
        ("/baar", {}, "GET", "default"),
        ("/x?/api/", {}, "GET", "default"),
        ("/", {"host": "www.example.com"}, "GET", "two"),
        ("/", {"host": "WWW.EXAMPLE.COM:8080"}, "GET", "two"),
        ("/", {"host": "example.com"}, "GET", "default"),
        ("/", {"host": "exact.org"}, "GET", "two"),
        ("/", {"host": "exact.org.evil"}, "GET", "default"),
        ("/api/x", {"host": "exact.org"}, "GET", "one"),
        ("/both/1", {}, "PATCH", "both"),
        ("/both/1", {}, "GET", "default"),
        ("/other", {}, "CUSTOM-METHOD", "same"),
        ("/other", {}, "patch", "default"),
        ("/", {"x-it's": "Mozilla cHROMe 1"}, "GET", "header"),
        ("/", {"x-it's": "aX B"}, "GET", "header"),
        ("/", {"x-it's": "aXX b"}, "GET", "default"),
        ("/?version=v12", {}, "GET", "query"),
        ("/?a=b&VERSION=V1&c", {}, "GET", "query"),
        ("/?version=v2", {}, "GET", "default"),
        ("/?xversion=v1", {}, "GET", "default"),
        ("/?version=v2&x=v1", {}, "GET", "default"),
        ("/?any=what?", {}, "GET", "query"),
        ("/?any=whatx", {}, "GET", "default"),
        ("/source", {"x-forwarded-for": "10.0.0.1"}, "GET", "source"),
        ("/$a.(b)+\"'~@:&", {}, "GET", "signs"),
        ("/$axxbb", {}, "GET", "default"),
    ],
)
def test_first_rule_whose_conditions_hold_decides(
    asked: int, path: str, headers: dict[str, str], method: str, answer: str
) -> None:
    assert ask(asked, path, headers, method=method).by == answer
