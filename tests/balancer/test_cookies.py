"""Cookies that keep clients with targets and with target groups."""

import base64
import time
from collections import Counter
from pathlib import Path

from msgspec.structs import replace
from tests.balancer.backends import backends
from tests.balancer.engine import Answer, Setup, ask, forward, running

LB_COOKIE = {
    "stickiness.enabled": "true",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "60",
}
APP_COOKIE = {
    "stickiness.enabled": "true",
    "stickiness.type": "app_cookie",
    "stickiness.app_cookie.cookie_name": "sid",
    "stickiness.app_cookie.duration_seconds": "60",
}


def given(answer: Answer) -> dict[str, str]:
    """Cookies by name, with their attributes."""
    lines = [value for name, value in answer.headers if name == "set-cookie"]
    return {name: rest for name, _, rest in (line.partition("=") for line in lines)}


def value(answer: Answer, name: str) -> str:
    return given(answer)[name].partition(";")[0]


def aged(cookie: str, seconds: int) -> str:
    """The same cookie given earlier."""
    token, when, rest = base64.b64decode(cookie).decode().split(".")
    return base64.b64encode(f"{token}.{int(when) - seconds}.{rest}".encode()).decode()


def test_a_client_stays_with_its_target(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one", "two", "three") as servers:
        port = setup.listen(forward("all"))
        setup.group("all", *(server.port for server in servers), attributes=LB_COOKIE)
        with running(setup.program(), tmp_path):
            first = ask(port)
            attributes = given(first)["AWSALB"].partition("; ")[2]
            assert attributes.startswith("Expires=") and attributes.endswith(" GMT; Path=/")
            assert given(first)["AWSALBCORS"] == f"{given(first)['AWSALB']}; SameSite=None"
            cookie = value(first, "AWSALB")
            assert str(servers[0].port) not in base64.b64decode(cookie).decode()
            for name in ("AWSALB", "AWSALBCORS"):
                again = [ask(port, headers={"Cookie": f"x=y; {name}={cookie}"}) for _ in range(6)]
                assert {answer.by for answer in again} == {first.by}
                assert all(value(answer, "AWSALB") != cookie for answer in again), "it is given anew"
            for useless in (
                aged(cookie, 61),
                "x",
                "",
                base64.b64encode(b"a.b.c").decode(),
                aged(cookie, 61)[:-3],
            ):
                others = Counter(ask(port, headers={"Cookie": f"AWSALB={useless}"}).by for _ in range(6))
                assert set(others.values()) == {2}, useless


def test_a_target_that_left_is_replaced(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one", "two") as (one, two):
        port = setup.listen(forward("all"))
        setup.group("all", one.port, two.port, attributes=LB_COOKIE)
        with running(setup.program(), tmp_path):
            cookies = {(answer := ask(port)).by: value(answer, "AWSALB") for _ in range(2)}
        left = setup.targets[0]
        setup.targets[0] = replace(left, draining_until=left.registered_at)
        again = tmp_path / "again"
        again.mkdir()
        with running(setup.program(), again):
            moved = ask(port, headers={"Cookie": f"AWSALB={cookies['one']}"})
            assert moved.by == "two"
            assert ask(port, headers={"Cookie": f"AWSALB={cookies['two']}"}).by == "two"


def test_the_applications_cookie_counts_together_with_the_own_one(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one", "two") as servers:
        port = setup.listen(forward("all"))
        setup.group("all", *(server.port for server in servers), attributes=APP_COOKIE)
        with running(setup.program(), tmp_path):
            assert not any(name.startswith("AWSALB") for name in given(ask(port)))
            first = ask(port, "/cookie")
            own = value(first, "AWSALBAPP-0")
            assert value(first, "AWSALBAPP-1") == "_remove_" and "sid" in given(first)
            both = [ask(port, headers={"Cookie": f"sid=abc; AWSALBAPP-0={own}"}) for _ in range(4)]
            assert {answer.by for answer in both} == {first.by}
            assert all("AWSALBAPP-0" in given(answer) for answer in both)
            for partial in (f"AWSALBAPP-0={own}", "sid=abc", f"sid=abc; AWSALBAPP-0={aged(own, 61)}"):
                assert Counter(ask(port, headers={"Cookie": partial}).by for _ in range(4)) == {
                    "one": 2,
                    "two": 2,
                }


def test_a_client_stays_with_its_target_group(tmp_path: Path) -> None:
    setup = Setup()
    with backends("one", "two") as (one, two):
        port = setup.listen(replace(forward(a=1, b=1), stickiness_seconds=60))
        setup.group("a", one.port, attributes=LB_COOKIE)
        setup.group("b", two.port, attributes=LB_COOKIE)
        with running(setup.program(), tmp_path):
            seen = {}
            deadline = time.monotonic() + 20
            while len(seen) < 2 and time.monotonic() < deadline:
                answer = ask(port)
                seen[answer.by] = answer
            for by, answer in seen.items():
                assert set(given(answer)) == {"AWSALBTG", "AWSALBTGCORS", "AWSALB", "AWSALBCORS"}
                cookie = value(answer, "AWSALBTG")
                kept = [ask(port, headers={"Cookie": f"AWSALBTG={cookie}"}).by for _ in range(10)]
                assert set(kept) == {by}
                old = [ask(port, headers={"Cookie": f"AWSALBTG={aged(cookie, 61)}"}).by for _ in range(40)]
                assert set(old) == {"one", "two"}
