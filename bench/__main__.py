"""`make bench`: measure, print a table, write build/bench.jsonl.  Needs root, for podman and veth pairs."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from botocore.credentials import Credentials

from bench.balancers import balancers
from bench.density import AT_ONCE, density
from bench.describe import describe_rate, moto_server, moto_tasks
from bench.network import UNITS, in_turns
from bench.place import bare_veth
from bench.podman import Podman, podman
from bench.record import Result, compare, compare_turns, lines, sample, write
from bench.rule_in_force import rule_in_force
from bench.scale import scale
from bench.seawall_side import CLUSTER, SeawallSide, seawall_side
from bench.service_scale import SERVICE, service_scale
from seawall.app.demo.images import api_image

LAUNCHES = 20
TASKS = 10
SEAWALL, BARE, BRIDGE = "two tasks", "bare veth", "podman's bridge"
NETWORK_GOALS = {("throughput", BARE): 0.9, ("requests", BRIDGE): 1.0}  # ratios, at least


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
    """All three stand side by side and are asked in turns."""
    tasks = [seawall.launch()[0] for _ in range(2)]
    containers = [baseline.run()[0] for _ in range(2)]
    with bare_veth() as bare:
        found = in_turns(
            {
                SEAWALL: (seawall.place(tasks[0]), seawall.place(tasks[1])),
                BARE: bare,
                BRIDGE: (baseline.place(containers[0]), baseline.place(containers[1])),
            }
        )
    seawall.stop(*tasks)
    for container in containers:
        baseline.remove(container)
    return [
        compare_turns(
            f"task to task {what}", unit, found[what][SEAWALL], found[what][other],
            against=other, at_least=NETWORK_GOALS.get((what, other), 0),
        )
        for other in (BARE, BRIDGE)
        for what, unit in UNITS.items()
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
    # Not a name of tempfile's: it may end with an underscore, and podman takes a layout's path for a name.
    directory = Path(tempfile.gettempdir()) / f"seawall-bench-image-{os.getpid()}"
    directory.mkdir()
    results: list[Result] = []
    try:
        say("starting Seawall and podman")
        with seawall_side() as seawall, podman(api_image(directory)) as baseline:
            say(f"{LAUNCHES} launches of each")
            results += launches(seawall, baseline)
            say("networks of two tasks, a bare veth and podman's bridge")
            results += networks(seawall, baseline)
            say("DescribeTasks")
            results += descriptions(seawall)
            say("a load balancer")
            results += balancers(seawall)
            say(f"a service of {SERVICE}")
            results += service_scale(seawall)
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
