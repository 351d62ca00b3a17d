"""A laboratory inside a private world: real namespaces, real packets, nothing of the machine's own."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.packet.attacker import Attacker, furnish
from tests.packet.ears import one_processor
from tests.packet.lab import Lab
from tests.packet.transit import TGW, attach, gateway, propagate

WHOLE_MACHINE = 4294967295


def in_private_world() -> bool:
    """Root of a user namespace that is not the machine's."""
    mapped = Path("/proc/self/uid_map").read_text().split()
    return os.geteuid() == 0 and int(mapped[2]) < WHOLE_MACHINE


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if not in_private_world():
        pytest.fail(
            "tests marked `world` need a private world: python -m seawall.host.world run -- python -m pytest"
            ' -m world tests/packet (deselect them with -m "not world")'
        )
    place = tmp_path_factory.mktemp("world")
    subprocess.run(["mount", "-t", "tmpfs", "run", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def lab(run_dir: Path) -> Iterator[Lab]:
    with asyncio.Runner() if hasattr(asyncio, "Runner") else _Runner() as runner:
        made = Lab(run_dir, runner.run)
        yield made
        made.close()


@pytest.fixture
def hub(lab: Lab) -> Lab:
    """a (10.0.0.0/16), b (10.1.0.0/16), c (10.2.0.0/16), all associated with and propagated to one table."""
    cloud = lab.cloud
    gateway(cloud, "main", "other")
    for name, number in (("a", 0), ("b", 1), ("c", 2)):
        vpc = cloud.vpc(name, f"10.{number}.0.0/16")
        subnet = cloud.subnet(vpc, "one", f"10.{number}.1.0/24")
        group = cloud.group(vpc, "all", "-1 0.0.0.0/0")
        cloud.task(f"{name}1", subnet, f"10.{number}.1.20", group)
        cloud.route(f"rtb-{name}-main", "10.0.0.0/8", transit_gateway=TGW)
        propagate(cloud, attach(cloud, name, subnet))
    lab.settle()
    for task in ("a1", "b1", "c1"):
        lab.listen(f"task-{task}", 80)
    return lab


@pytest.fixture
def mallory(lab: Lab) -> Iterator[Attacker]:
    furnish(lab)
    lab.settle()
    with one_processor():
        attacker = Attacker(lab)
        yield attacker
        attacker.close()


class _Runner:
    """asyncio.Runner for Python 3.10."""

    def __enter__(self) -> "_Runner":
        self._loop = asyncio.new_event_loop()
        self.run = self._loop.run_until_complete
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.close()
