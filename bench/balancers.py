"""An application load balancer beside HAProxy run by hand, beside none; how soon a target counts."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.balancer_side import (
    DUTIES_PORT,
    FIRST_PORT,
    FRONT_PORT,
    HAND_PORT,
    SAME_PORT,
    STICKY,
    BalancerSide,
)
from bench.density import share
from bench.record import Result, Sample, compare, compare_turns, sample
from bench.seawall_side import SeawallSide
from bench.web import CONNECTIONS, DUTIES, Load, by_hand, load, origin, same_by_hand
from seawall.host.balancer.process import MOST_THREADS

ROUNDS = 8
GOAL = 0.9
AGAINST = {
    "same": "the same HAProxy by hand",
    "by hand": "a plain HAProxy by hand",
    "duties": "HAProxy by hand with its duties",
    "direct": "the task itself",
}
TARGETS = 200
A_CALL = 100
CHANGES = 50
WATCH = Path(__file__).with_name("target_watch.py")


def balancers(seawall: SeawallSide) -> list[Result]:
    """Goals: at least 0.9 of the engine by hand; of 100 changes among 200 targets 99 in force in 100 ms."""
    side = BalancerSide(seawall)
    try:
        with origin(side.place, FIRST_PORT, FIRST_PORT + TARGETS - 1):
            results = _requests(side)
            return [*results, _memory(side), *_changes(side)]
    finally:
        side.close()


def _requests(side: BalancerSide) -> list[Result]:
    """Slices of a second in turn: the balancer; by hand, in a task of its own, the same engine with the very
    text of the balancer's, and with a plain one, with and without a balancer's duties; the target."""
    side.register([FIRST_PORT])
    side.await_healthy(1)
    urls = {
        "ours": f"http://{side.public()[0]}:{FRONT_PORT}/",
        "by hand": f"http://{side.public_of(side.hand)}:{HAND_PORT}/",
        "same": f"http://{side.public_of(side.hand)}:{SAME_PORT}/",
        "duties": f"http://{side.public_of(side.hand)}:{DUTIES_PORT}/",
        "direct": f"http://{side.public_of(side.place)}:{FIRST_PORT}/",
    }
    found: dict[str, list[Load]] = {name: [] for name in urls}
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    servers = [f"{side.place.address}:{FIRST_PORT}"]
    with (
        same_by_hand(side.hand, SAME_PORT, servers[0], side.engine_text()),
        by_hand(side.hand, HAND_PORT, servers, threads),
        by_hand(side.hand, DUTIES_PORT, servers, threads, DUTIES),
    ):
        for turn in range(ROUNDS + 1):
            for name, url in urls.items():
                told = load(side.client, url, 1)
                if turn:  # the first warms up
                    found[name].append(told)
    rates = {name: [[each.rate] for each in loads] for name, loads in found.items()}
    tails = {
        name: sample([each.p99 for each in loads], more_is_better=False) for name, loads in found.items()
    }
    what = f"through an ALB, {CONNECTIONS} connections"
    goals = {"same": GOAL, "by hand": GOAL}
    return [
        compare_turns(
            f"requests {what}", "1/s", rates["ours"], rates[name], against=AGAINST[name],
            at_least=goals.get(name, 0),
        )
        for name in AGAINST
    ] + [
        compare(
            f"p99 {what}", "ms", tails["ours"], tails[name], against=AGAINST[name],
            at_most=round(1 / goals[name], 2) if name in goals else 0,
        )
        for name in AGAINST
    ]  # fmt: skip


def _memory(side: BalancerSide) -> Result:
    """The proportional share of all processes of both nodes' engines."""
    each = sum(map(share, side.engines())) / len(side.public()) / 2**20
    one = Sample(1.0, 1.0, 1.0)
    return compare("memory of a node of an ALB", "MiB", Sample(each, each, each), one, against="1 MiB")


def _changes(side: BalancerSide) -> list[Result]:
    """A client with the cookie of one target asks both nodes, and sees when it left and
    when it came back.  From the call's answer on: what happened before that counts as 0."""
    side.set(**STICKY)
    for first in range(FIRST_PORT, FIRST_PORT + TARGETS, A_CALL):
        side.register(range(first, first + A_CALL))
    side.await_healthy(TARGETS)
    gone, back, plain = [], [], []
    words = (*side.client.enter, sys.executable, str(WATCH), str(FRONT_PORT), *side.public())
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        try:
            assert client.stdout
            client.stdout.readline()
            for _ in range(CHANGES):
                port, cookie, took = _told(client, "choose").split()
                plain.append(float(took))
                gone.append(_seen(client, "gone", port, cookie, side.deregister))
                back.append(_seen(client, "back", port, cookie, side.register))
        finally:
            client.terminate()
    one = sample(plain, more_is_better=False)
    return [
        compare(
            f"target {what}, of {TARGETS}, API to request", "ms", sample(times, more_is_better=False), one,
            against="one request", p99_at_most=100,
        )
        for what, times in (("gone", gone), ("in use", back))
    ]  # fmt: skip


def _told(client: "subprocess.Popen[str]", line: str) -> str:
    assert client.stdin and client.stdout
    client.stdin.write(f"{line}\n")
    client.stdin.flush()
    return client.stdout.readline()


def _seen(
    client: "subprocess.Popen[str]",
    what: str,
    port: str,
    cookie: str,
    change: Callable[[list[int]], None],
) -> float:
    """Milliseconds from the answer of the call to what the client sees of it."""
    assert client.stdin and client.stdout
    client.stdin.write(f"{what} {port} {cookie}\n")
    client.stdin.flush()
    change([int(port)])
    answered = time.monotonic()
    return max(0.0, float(client.stdout.readline()) - answered) * 1000
