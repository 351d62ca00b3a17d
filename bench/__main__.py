"""`make bench`: measure, print a table, write build/bench.jsonl.  Needs root, for podman and veth pairs."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from botocore.credentials import Credentials

from bench.density import AT_ONCE, density
from bench.describe import describe_rate, moto_server, moto_tasks
from bench.network import NetworkFigures, measure
from bench.place import bare_veth
from bench.podman import Podman, podman
from bench.record import Result, compare, lines, sample, write
from bench.rule_in_force import rule_in_force
from bench.scale import scale
from bench.seawall_side import CLUSTER, SeawallSide, seawall_side
from seawall.app.demo.images import api_image

LAUNCHES = 20
TASKS = 10


def say(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


def launches(seawall: SeawallSide, baseline: Podman) -> list[Result]:
    """In turn, so that whatever else the machine does meets both."""
    seawall.stop(seawall.launch()[0])  # pulls the image
    baseline.remove(baseline.run()[0])
    ours, theirs = [], []
    for _ in range(LAUNCHES):
        task, seconds = seawall.launch()
        ours.append(seconds * 1000)
        seawall.stop(task)
        container, seconds = baseline.run()
        theirs.append(seconds * 1000)
        baseline.remove(container)
    return [
        compare(
            "launch to RUNNING",
            "ms",
            sample(ours, more_is_better=False),
            sample(theirs, more_is_better=False),
            against="podman run -d",
            at_most=0.25,
        )
    ]


def networks(seawall: SeawallSide, baseline: Podman) -> list[Result]:
    say("network: two tasks")
    tasks = [seawall.launch()[0] for _ in range(2)]
    ours = measure(*(seawall.place(task) for task in tasks))
    seawall.stop(*tasks)
    say("network: bare veth")
    with bare_veth() as places:
        bare = measure(*places)
    say("network: podman's bridge")
    containers = [baseline.run()[0] for _ in range(2)]
    bridged = measure(*(baseline.place(container) for container in containers))
    for container in containers:
        baseline.remove(container)
    return [*against(ours, bare, "bare veth"), *against(ours, bridged, "podman's bridge")]


def against(ours: NetworkFigures, theirs: NetworkFigures, name: str) -> list[Result]:
    bare = name == "bare veth"
    return [
        compare(
            "task to task throughput", "Gbit/s", ours.throughput, theirs.throughput,
            against=name, at_least=0.9 if bare else 0,
        ),
        compare(
            "task to task requests", "1/s", ours.requests, theirs.requests,
            against=name, at_least=0 if bare else 1,
        ),
        compare("task to task connects", "1/s", ours.connects, theirs.connects, against=name),
    ]  # fmt: skip


def descriptions(seawall: SeawallSide) -> list[Result]:
    tasks = seawall.run_tasks(TASKS)
    seawall.await_running(*tasks)
    running = seawall.running
    key = Credentials(running.access_key_id, running.secret_access_key)
    ours = describe_rate(running.url, key, running.region, CLUSTER, tasks)
    with moto_server() as url:
        twins = moto_tasks(url, key, running.region, CLUSTER, TASKS)
        theirs = describe_rate(url, key, running.region, CLUSTER, twins)
    seawall.stop(*tasks)
    return [compare(f"DescribeTasks of {TASKS}", "1/s", ours, theirs, against="moto's server", at_least=5)]


def main() -> int:
    if os.geteuid() != 0:
        print(
            "bench: needs root: podman's bridge and bare veth pairs are what it compares with",
            file=sys.stderr,
        )
        return 4
    directory = Path(tempfile.mkdtemp(prefix="seawall-bench-image-"))
    results: list[Result] = []
    try:
        say("starting Seawall and podman")
        with seawall_side() as seawall, podman(api_image(directory)) as baseline:
            say(f"{LAUNCHES} launches of each")
            results += launches(seawall, baseline)
            results += networks(seawall, baseline)
            say("DescribeTasks")
            results += descriptions(seawall)
            say(f"{AT_ONCE} tasks at once")
            results += density(seawall)
            say("a rule in force beside a thousand interfaces")
            results += rule_in_force(seawall)
        say("a VPC of a thousand interfaces and rules")
        results += scale()
    finally:
        shutil.rmtree(directory)
        write(results)
    print("\n".join(lines(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
