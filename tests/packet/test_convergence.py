"""From whatever is there to the program: new engines, killed engines, and traffic while it happens."""

import asyncio
import contextlib
import socket
import subprocess
import threading

import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab

from seawall.compile.network.compile_network import compile_network
from seawall.host.namespaces import Namespaces
from seawall.host.network.engine import NetworkEngine
from seawall.host.network.plan import Step
from seawall.program.network import Chain, NetworkProgram, Rule

pytestmark = pytest.mark.world


def first(lab: Lab) -> NetworkProgram:
    cloud = lab.cloud
    vpc = cloud.vpc("a")
    subnet, private = cloud.subnet(vpc, "x", "10.0.0.0/24"), cloud.subnet(vpc, "p", "10.0.1.0/24")
    cloud.group(vpc, "web", "tcp:80 sg-a-web")
    cloud.table(vpc, "x", subnets=(subnet,), internet_gateway="igw-a")
    nat = cloud.nat("n", subnet, "10.0.0.10", "198.18.0.10")
    cloud.table(vpc, "p", subnets=(private,), nat_gateway=nat)
    cloud.task("one", subnet, "10.0.0.20", "sg-a-web", public="198.18.0.20")
    cloud.task("two", private, "10.0.1.21", "sg-a-web")
    return compile_network(cloud.snapshot())


def second(lab: Lab) -> NetworkProgram:
    """Another VPC, other rules, one task gone, one come, the gateway detached."""
    cloud = lab.cloud
    cloud.vpc("b", gateway=False)
    cloud.change("igw-a", vpc_id=None)
    cloud.drop("nat-n")
    cloud.drop("eni-nat-n")
    cloud.drop("eni-two")
    cloud.group("vpc-a", "other", "udp:1-100 0.0.0.0/0")
    cloud.task("three", "subnet-a-p", "10.0.1.22", "sg-a-other", "sg-a-web")
    cloud.drop("sgr-a-web-in0")
    return compile_network(cloud.snapshot())


def test_in_force_means_that_nothing_is_left_to_do(lab: Lab) -> None:
    program = first(lab)
    lab.apply(program)
    assert lab.rest(program) == []


def test_there_and_back_again(lab: Lab) -> None:
    a = first(lab)
    lab.apply(a)
    before = lab.run(lab.engine.observe(a))
    b = second(lab)
    lab.apply(b)
    assert lab.rest(b) == []
    lab.apply(a)
    assert lab.run(lab.engine.observe(a)) == before


def test_a_new_engine_takes_over(lab: Lab) -> None:
    a = first(lab)
    lab.apply(a)
    lab.replace_engine()
    assert lab.rest(a) == []
    b = second(lab)
    lab.replace_engine()
    lab.apply(b)
    assert lab.rest(b) == []


class _Killed(BaseException):
    """Stands for SIGKILL between two steps: nothing after it runs."""


class _Mortal(NetworkEngine):
    steps_left = 0

    def _take(self, step: Step) -> None:
        if self.steps_left == 0:
            raise _Killed
        self.steps_left -= 1
        super()._take(step)


def test_killed_after_any_step(lab: Lab) -> None:
    """Every prefix of the steps from A to B, each finished by a new engine."""
    a = first(lab)
    b = second(lab)
    survived, killed_after = False, 0
    while not survived:
        lab.replace_engine()
        lab.apply(a)
        mortal = _Mortal(lab.run_dir)
        mortal.steps_left = killed_after
        with contextlib.suppress(_Killed):
            lab.run(mortal.apply(b))
            survived = True
        lab.run(mortal.close())
        lab.replace_engine()
        lab.apply(b)
        assert lab.rest(b) == [], f"killed after {killed_after} steps"
        killed_after += 1
    assert killed_after > 15


def test_half_made_namespaces_are_cleared_away(lab: Lab) -> None:
    """What is left when the agent dies between pinning a user namespace and its network namespace."""
    lab.apply(first(lab))
    lab.cloud.task("half", "subnet-a-p", "10.0.1.40", "sg-a-web")
    program = lab.settle()
    net = lab.namespaces.path("task-half")
    subprocess.run(["umount", net], check=True)
    lab.namespaces.path("task-never").touch()
    lab.replace_engine()
    lab.apply(program)
    assert lab.rest(program) == []
    assert not lab.namespaces.path("task-never").exists()
    lab.listen("task-half", 80)
    assert lab.reachable(("task-one", "10.0.1.40", 80)) == [True]


def test_what_somebody_else_changed_is_put_right(lab: Lab) -> None:
    a = first(lab)
    lab.apply(a)
    lab.engine.distrust()
    with lab.namespaces.inside("vpc-a"):
        subprocess.run(["ip", "route", "flush", "table", "main"], check=True)
        subprocess.run(["ip", "rule", "add", "priority", "77", "table", "main"], check=True)
        subprocess.run(["nft", "flush", "ruleset"], check=True)
    assert lab.rest(a) != []
    lab.apply(a)
    assert lab.rest(a) == []


def listing(lab: Lab, namespace: str) -> dict[str, list[str]]:
    """What nft shows of a namespace: for each set, map and chain its sorted contents; seals left out."""
    with lab.namespaces.inside(namespace):
        done = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = {}
    for block in done.stdout.replace("\n\t\t\t     ", " ").split("\n\n"):
        head, *rest = [line.strip() for line in block.splitlines() if not line.startswith("table ")]
        if not head.startswith(("set applied", "set released", "counter")):
            parts = (part for line in rest for part in line.split(", "))
            texts = (part.removeprefix("elements = {").strip(" }") for part in parts)
            found[head] = sorted(text for text in texts if text)
    return found


def test_small_changes_leave_what_a_whole_fill_leaves(lab: Lab) -> None:
    """Elements by raw netlink, chains by nft scripts: people must see the same, comments and all."""
    lab.apply(first(lab))
    lab.cloud.task("raw", "subnet-a-p", "10.0.1.30", "sg-a-web", public="198.18.0.30")
    lab.cloud.drop("eni-one")
    lab.settle()
    lab.cloud.rule("sg-a-web", "in5", "icmp:-1 10.0.0.0/8")
    lab.cloud.group("vpc-a", "second", "tcp:443 sg-a-web", "50 0.0.0.0/0")
    lab.cloud.task("mixed", "subnet-a-p", "10.0.1.31", "sg-a-web", "sg-a-second")
    program = lab.settle()
    spaces = [n.name for n in program.namespaces if n.policy]
    changed = {name: listing(lab, name) for name in spaces}
    for name in spaces:
        with lab.namespaces.inside(name):
            subprocess.run(["nft", "flush", "ruleset"], check=True)
    lab.replace_engine()
    lab.apply(program)
    assert {name: listing(lab, name) for name in spaces} == changed
    assert any("eni-raw" in part for parts in changed["vpc-a"].values() for part in parts)


def test_a_new_skeleton_takes_the_place_of_the_old(lab: Lab) -> None:
    program = first(lab)
    lab.apply(program)
    spaces = []
    for space in program.namespaces:
        policy = space.policy and replace(
            space.policy, skeleton=space.policy.skeleton + "    counter newer { }\n"
        )
        spaces.append(replace(space, policy=policy))
    newer = replace(program, namespaces=tuple(spaces))
    lab.apply(newer)
    assert lab.rest(newer) == []
    lab.listen("task-two", 80)
    assert lab.reachable(("task-one", "10.0.1.21", 80)) == [True]


def test_a_link_without_its_policy_stays_silent(lab: Lab) -> None:
    """What nft refuses is reported, and the interfaces behind it do not come up."""
    program = first(lab)
    broken = []
    for space in program.namespaces:
        policy = space.policy
        if policy and space.name == "vpc-a":
            policy = replace(
                policy, chains=(*policy.chains, Chain(name="bad", rules=(Rule(text="nonsense"),)))
            )
        broken.append(replace(space, policy=policy))
    problems = lab.run(lab.engine.apply(replace(program, namespaces=tuple(broken))))
    assert [problem.subject for problem in problems] == ["vpc-a"]
    assert "nonsense" in problems[0].text
    lab.listen("task-two", 80)
    assert lab.outcomes(("task-one", "10.0.1.21", 80))[0] != "connected"
    lab.apply(program)
    assert lab.reachable(("task-one", "10.0.1.21", 80)) == [True]


def test_applying_under_traffic_loses_nothing(lab: Lab) -> None:
    lab.apply(first(lab))
    lab.cloud.rule("sg-a-web", "in1", "udp:1000 sg-a-web")
    lab.settle()
    receiver = lab.receive("task-two", 1000)
    receiver.settimeout(1)
    namespaces = Namespaces(lab.run_dir)
    stop, sent, lost = threading.Event(), 0, 0

    def send() -> None:
        """One datagram after the other, each a new flow, so that the rules are asked every time."""
        nonlocal sent, lost
        while not stop.is_set():
            with namespaces.socket_in("task-one", socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("10.0.0.20", 2000 + sent % 60000))
                sock.sendto(sent.to_bytes(4, "big"), ("10.0.1.21", 1000))
            try:
                assert receiver.recv(10) == sent.to_bytes(4, "big")
            except TimeoutError:
                lost += 1
            sent += 1

    thread = threading.Thread(target=send)
    thread.start()
    number = 0
    while number < 20 or (sent <= 100 and number < 100):
        lab.cloud.task(f"n{number}", "subnet-a-p", f"10.0.1.{100 + number}", "sg-a-web")
        lab.cloud.rule("sg-a-web", f"more{number}", f"tcp:{number + 1} 0.0.0.0/0")
        if number % 5 == 0:
            lab.replace_engine()  # fills tables whole
        lab.settle()
        number += 1
    stop.set()
    thread.join()
    namespaces.close()
    assert sent > 100
    assert lost == 0


def test_adding_one_interface_to_a_hundred(lab: Lab) -> None:
    """A generous bound for shared machines; the figure is printed for the record."""
    lab.apply(first(lab))
    for number in range(100):
        lab.cloud.task(f"m{number}", "subnet-a-p", f"10.0.1.{100 + number}", "sg-a-web")
    lab.settle()
    times = []
    for number in range(10):
        lab.cloud.task(f"x{number}", "subnet-a-p", f"10.0.1.{50 + number}", "sg-a-web")
        program = compile_network(lab.cloud.snapshot())

        async def timed(program: NetworkProgram = program) -> float:
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert await lab.engine.apply(program) == ()
            return loop.time() - began

        times.append(lab.run(timed()))
    print(f"one interface more: {sorted(times)[5] * 1000:.1f} ms")
    assert sorted(times)[5] < 0.1


def test_a_device_that_the_policy_does_not_know_yet_receives_nothing(lab: Lab) -> None:
    """As between a new link and the policy that names it: what passed then would be a known flow later."""
    program = first(lab)
    lab.apply(program)
    lab.listen("task-two", 80)
    assert lab.reachable(("task-one", "10.0.1.21", 80)) == [True]
    router = next(n for n in program.namespaces if n.name == "vpc-a")
    assert router.policy is not None
    without = tuple(
        replace(s, elements=tuple(e for e in s.elements if e.origin != "eni-two"))
        if s.name == "receivers"
        else s
        for s in router.policy.sets
    )
    early = replace(router, policy=replace(router.policy, sets=without))
    lab.apply(replace(program, namespaces=tuple(early if n is router else n for n in program.namespaces)))
    assert lab.reachable(("task-one", "10.0.1.21", 80)) == [False]
