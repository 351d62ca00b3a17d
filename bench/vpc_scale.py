"""What a VPC costs as it grows: per packet, per connection, per change, per interface.

Runs inside a private world (`python -m seawall.host.world run -- python -m bench.vpc_scale`) and prints one
JSON object; `bench.scale` starts it.  Interfaces are real, each with a namespace and a link, but nothing runs
behind them.
"""

import asyncio
import gc
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from ipaddress import IPv4Address
from pathlib import Path

from msgspec.structs import replace

from bench.place import TRAFFIC, Place
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.host.network.engine import NetworkEngine
from seawall.model.network_interface import InterfaceAttachment, NetworkInterface
from seawall.model.resource import Ref
from seawall.model.route_table import Route, RouteTable, RouteTableAssociation
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.program.network import NetworkProgram

BORN = datetime(2026, 1, 1, tzinfo=timezone.utc)
VPC, SUBNET, GROUP = "vpc-0b", "subnet-0b", "sg-0b"
MANY = 1000
SECONDS = 1
TURNS = 5
SIZES = ((2, 1), (MANY, 1), (2, MANY), (MANY, MANY))  # interfaces and rules
CHANGES = 100
PORT = 7000


def interface(number: int) -> NetworkInterface:
    address = str(IPv4Address("10.0.0.0") + 10 + number)
    attachment = InterfaceAttachment(
        attachment_id=f"eni-attach-{number}", instance_owner_id="aws", attach_time=BORN
    )
    return NetworkInterface(
        id=f"eni-{number:05}",
        vpc_id=VPC,
        subnet_id=SUBNET,
        availability_zone="us-east-1a",
        private_ip_address=address,
        mac_address=f"0a:00:00:00:{number >> 8:02x}:{number & 255:02x}",
        description="",
        group_ids=(GROUP,),
        status="in-use",
        attachment=attachment,
        owner=Ref("task", f"{number:05}"),
    )


def rule(number: int, cidr: str, first: int, last: int) -> SecurityGroupRule:
    return SecurityGroupRule(
        id=f"sgr-{number:05}",
        group_id=GROUP,
        is_egress=False,
        protocol="tcp",
        from_port=first,
        to_port=last,
        cidr_ipv4=cidr,
    )


def snapshot(interfaces: int, rules: int) -> NetworkSnapshot:
    """The last rule is the one that lets the traffic in; a list would be read to its end."""
    others = [rule(n, f"172.{16 + (n >> 8)}.{n & 255}.0/24", 1 + n, 1 + n) for n in range(rules - 1)]
    everything = SecurityGroupRule(
        id="sgr-out", group_id=GROUP, is_egress=True, protocol="-1", cidr_ipv4="0.0.0.0/0"
    )
    block = CidrAssociation(association_id="vpc-cidr-assoc-0b", cidr_block="10.0.0.0/16")
    local = Route(destination="10.0.0.0/16", target_kind="local", target_id="local")
    return NetworkSnapshot(
        region="us-east-1",
        account="123456789012",
        vpcs=(Vpc(id=VPC, cidr_blocks=(block,)),),
        subnets=(
            Subnet(
                id=SUBNET,
                vpc_id=VPC,
                cidr_block="10.0.0.0/18",
                availability_zone="us-east-1a",
                availability_zone_id="use1-az1",
            ),
        ),
        route_tables=(
            RouteTable(
                id="rtb-0b",
                vpc_id=VPC,
                routes=(local,),
                associations=(RouteTableAssociation(association_id="rtbassoc-0b", main=True),),
            ),
        ),
        security_groups=(SecurityGroup(id=GROUP, vpc_id=VPC, name="bench", description="bench"),),
        security_group_rules=(everything, *others, rule(99_999, "10.0.0.0/16", PORT, PORT + 1)),
        network_interfaces=tuple(interface(number) for number in range(interfaces)),
    )


class Bench:
    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.loop = asyncio.new_event_loop()
        self.memory = Memory()
        self.engine = NetworkEngine(run_dir)
        self.engine.prepare()
        self.apply(NetworkProgram())

    def apply(self, program: NetworkProgram) -> None:
        problems = self.loop.run_until_complete(self.engine.apply(program))
        if problems:
            raise RuntimeError(str(problems))

    def put(self, wanted: NetworkSnapshot) -> float:
        """Compile and apply; how many milliseconds it took."""
        began = time.perf_counter()
        self.apply(compile_network(wanted, self.memory))
        return (time.perf_counter() - began) * 1000

    def places(self) -> tuple[Place, Place]:
        return self._place(interface(0)), self._place(interface(1))

    def _place(self, of: NetworkInterface) -> Place:
        assert of.owner
        return Place(
            ("nsenter", f"--net={self.run_dir / 'netns' / f'task-{of.owner.id}'}"), of.private_ip_address
        )

    def close(self) -> None:
        self.apply(NetworkProgram())
        self.loop.run_until_complete(self.engine.close())
        self.loop.close()


def rates(bench: Bench, what: str) -> list[float]:
    client, server = bench.places()
    with server.running(sys.executable, str(TRAFFIC), "serve", server.address, str(PORT), ready="ready"):
        found: list[float] = client.ask(
            sys.executable, str(TRAFFIC), what, server.address, str(PORT), str(SECONDS)
        )
    return found


def traffic(stack: ExitStack) -> dict[str, list[list[float]]]:
    """Rates by "what interfaces rules", a list for each turn.  The worlds stand side by side and are asked
    in short turns, so that whatever else the machine does meets all of them.
    """
    worlds = {}
    for interfaces, rules in SIZES:
        worlds[f"{interfaces} {rules}"] = world = stack.enter_context(bench_world())
        world.put(snapshot(interfaces, rules))
    found: dict[str, list[list[float]]] = {}
    for turn in range(TURNS):
        for size in list(worlds)[:: -1 if turn % 2 else 1]:
            for what in ("requests", "connects"):
                found.setdefault(f"{what} {size}", []).append(rates(worlds[size], what))
    return found


def rule_changes(bench: Bench, interfaces: int) -> list[float]:
    """Milliseconds from a changed snapshot to the change in force, one rule more and one less in turn."""
    base = snapshot(interfaces, 10)
    more = replace(base, security_group_rules=(*base.security_group_rules, rule(50_000, "10.9.0.0/16", 9, 9)))
    bench.put(base)
    bench.put(more)
    return [bench.put(base if number % 2 else more) for number in range(1, CHANGES + 1)]


def additions(bench: Bench, interfaces: int) -> list[float]:
    """Milliseconds to add one interface beside so many; the way back is not counted."""
    base = snapshot(interfaces, 10)
    found = []
    bench.put(base)
    for number in range(CHANGES // 2):
        newcomer = interface(20_000 + number)
        more = replace(base, network_interfaces=(*base.network_interfaces, newcomer))
        found.append(bench.put(more))
        bench.put(base)
    return found


def memory_per_interface(bench: Bench) -> list[float]:
    """Kilobytes of kernel and agent memory for each of 1,000 interfaces, by what is no longer available."""
    found = []
    for _ in range(3):
        bench.put(snapshot(2, 1))
        before = _available()
        bench.put(snapshot(MANY, 1))
        found.append((before - _available()) / (MANY - 2))
    return found


def _available() -> float:
    gc.collect()
    time.sleep(0.5)  # what was freed is counted as free only a while later
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return float(line.split()[1])
    raise RuntimeError("/proc/meminfo says nothing")


@contextmanager
def bench_world() -> Iterator[Bench]:
    directory = Path(tempfile.mkdtemp(prefix="seawall-bench-"))
    run_dir = directory / "run"
    run_dir.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "bench", run_dir], check=True)
    bench = Bench(run_dir)
    try:
        yield bench
    finally:
        bench.close()
        subprocess.run(["umount", "--lazy", run_dir], check=True)
        shutil.rmtree(directory)


PARTS: dict[str, Callable[[Bench], object]] = {
    "rule change": lambda bench: {str(n): rule_changes(bench, n) for n in (10, MANY)},
    "interface": lambda bench: {str(n): additions(bench, n) for n in (10, 100, MANY)},
    "memory": memory_per_interface,
}


def main(argv: Sequence[str]) -> int:
    """All parts, or those that are named."""
    found: dict[str, object] = {}
    if not argv or "traffic" in argv:
        with ExitStack() as stack:
            found["traffic"] = traffic(stack)
    for name, part in PARTS.items():
        if not argv or name in argv:
            with bench_world() as bench:
                found[name] = part(bench)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
