"""Hundreds of VPCs with the same addresses side by side, with real packets; what they cost is printed."""

import random
import time
from pathlib import Path

import pytest
from tests.packet.lab import Lab

pytestmark = pytest.mark.world

VPCS = 200
PRIVATE = "10.0.0.20"
SAMPLE = 40


def memory_in_use() -> int:
    """Bytes of the machine that are not available: namespaces are the kernel's, not a process's."""
    known = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, free = (int(known[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    return total - free


def public(number: int) -> str:
    return f"198.18.{1 + number // 200}.{1 + number % 200}"


def test_two_hundred_equal_vpcs_do_not_meet(lab: Lab) -> None:
    cloud = lab.cloud
    for number in range(VPCS):
        vpc = cloud.vpc(f"n{number}", "10.0.0.0/16")
        subnet = cloud.subnet(vpc, "one", "10.0.0.0/24")
        cloud.table(vpc, "one", subnets=(subnet,), internet_gateway=f"igw-n{number}")
        group = cloud.group(vpc, "all", "tcp:80 0.0.0.0/0")
        cloud.task(f"t{number}", subnet, PRIVATE, group, public=public(number))
    before, began = memory_in_use(), time.monotonic()
    program = lab.settle()
    made, used = time.monotonic() - began, memory_in_use() - before
    assert lab.rest(program) == []
    began = time.monotonic()
    lab.cloud.rule("sg-n7-all", "more", "tcp:81 0.0.0.0/0")
    lab.settle()
    changed = time.monotonic() - began
    print(
        f"\n{VPCS} VPCs: {made:.1f} s, {used / VPCS / 1e3:.0f} kB each; one rule more: {changed * 1e3:.0f} ms"
    )

    servers = [lab.listen(f"task-t{number}", 80)[0] for number in range(VPCS)]
    for number, server in enumerate(servers):
        lab.connect("internet", public(number), 80).close()
        assert lab.accept(server)[1] == "203.0.113.10"
        server.setblocking(False)
    for server in servers:  # nobody has heard more than his own
        with pytest.raises(BlockingIOError):
            server.accept()

    sample = random.Random(200).sample(range(VPCS), SAMPLE)
    for server in (servers[number] for number in sample):
        server.close()
    # Whoever asks for the address that all have finds only itself: nobody listens there any more.
    own = [(f"task-t{number}", PRIVATE, 80) for number in sample]
    other = [(f"task-t{number}", "10.0.0.21", 80) for number in sample]
    assert lab.outcomes(*own) == ["error 111"] * SAMPLE
    assert lab.outcomes(*other, ("internet", PRIVATE, 80)) == ["silence"] * SAMPLE + ["error 101"]
    for one, two in zip(sample, set(range(VPCS)) - set(sample), strict=False):
        lab.connect(f"task-t{one}", public(two), 80)
        assert lab.accept(servers[two])[1] == public(one)
