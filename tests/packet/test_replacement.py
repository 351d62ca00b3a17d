"""Programs replaced under traffic: nothing is lost or slips through, and no connection breaks."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from tests.fuzz.prober import Outcome, Prober
from tests.fuzz.probes import Candidates, Probe
from tests.fuzz.trial import balanced
from tests.fuzz.worlds import random_world
from tests.packet.ears import one_processor
from tests.packet.lab import Lab

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.program.network import NetworkProgram

pytestmark = [pytest.mark.world, pytest.mark.timeout(300)]

SEEDS = pytest.mark.parametrize("seed", [9])
PROBES = 80
REPLACEMENTS, RESTARTS = 60, 50
MOST_ROUNDS = 400  # so that no round needs the ports, and meets the flows, of an earlier one


def other_rules(snapshot: NetworkSnapshot) -> NetworkSnapshot:
    """The same interfaces; every third rule of groups, ACLs and route tables gone."""
    return replace(
        snapshot,
        security_group_rules=tuple(r for n, r in enumerate(snapshot.security_group_rules) if n % 3),
        network_acls=tuple(
            replace(acl, entries=tuple(e for n, e in enumerate(acl.entries) if (n + 1) % 3))
            for acl in snapshot.network_acls
        ),
        route_tables=tuple(
            replace(
                table,
                routes=tuple(r for n, r in enumerate(table.routes) if n % 3 or r.target_kind == "local"),
            )
            for table in snapshot.route_tables
        ),
    )


class Traffic:
    """Probes without end, each time in flows of their own, while something else goes on."""

    def __init__(self, lab: Lab, snapshot: NetworkSnapshot, seed: int) -> None:
        self.candidates = Candidates(snapshot, seed)
        ported = (probe for probe in self.candidates if probe.source_port)  # others are one flow for ever
        self.probes: Sequence[Probe] = list(balanced(snapshot, ported, PROBES))
        self.prober = Prober(lab.namespaces, snapshot)

    def once(self) -> list[Outcome]:
        self.probes = [self.candidates.again(probe) for probe in self.probes]
        return self.prober.outcomes(self.probes)

    def during(self, work: Callable[[], None]) -> Iterator[list[Outcome]]:
        """Rounds until the work is done, at least one."""
        errors: list[BaseException] = []

        def working() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
                errors.append(error)

        thread = threading.Thread(target=working)
        thread.start()
        for _ in range(MOST_ROUNDS):
            if thread.is_alive():
                yield self.once()
        thread.join()
        if errors:
            raise errors[0]


@contextmanager
def traffic(lab: Lab, snapshot: NetworkSnapshot, seed: int) -> Iterator[Traffic]:
    with one_processor():
        made = Traffic(lab, snapshot, seed)
        with made.prober:
            yield made


def verdicts(outcomes: Sequence[Outcome]) -> list[tuple[frozenset[str], bool]]:
    """Where each request came in, and whether an answer came back."""
    return [(frozenset(s.place for s in o.requests), bool(o.answers)) for o in outcomes]


@SEEDS
def test_nothing_slips_through_and_nothing_is_lost(lab: Lab, seed: int) -> None:
    """What both programs allow always passes; what neither allows never does."""
    snapshot = random_world(seed)
    programs = [compile_network(snapshot), compile_network(other_rules(snapshot))]
    lab.apply(programs[0])
    with traffic(lab, snapshot, seed) as probes:
        alone = []
        for program in programs:
            lab.apply(program)
            alone.append(verdicts(probes.once()))
        assert alone[0] != alone[1]
        rounds = 0
        for outcomes in probes.during(lambda: turns(lab, programs, REPLACEMENTS)):
            rounds += 1
            for probe, one, other, found in zip(probes.probes, *alone, verdicts(outcomes), strict=True):
                assert found[0] <= one[0] | other[0], probe
                assert not (one == other and one[1]) or found == one, probe
        assert rounds >= 10
        lab.apply(programs[1])
        assert verdicts(probes.once()) == alone[1]


@SEEDS
def test_engines_that_die_leave_no_difference(lab: Lab, seed: int) -> None:
    """Each replaces the one before and changes the program, under traffic."""
    snapshot = random_world(seed)
    programs = [compile_network(snapshot), compile_network(other_rules(snapshot))]
    lab.apply(programs[0])
    with traffic(lab, snapshot, seed) as probes:
        before = verdicts(probes.once())
        for outcomes in probes.during(lambda: turns(lab, programs, RESTARTS, restarts=True)):
            for one, found in zip(before, verdicts(outcomes), strict=True):
                assert not found[0] or not one[0] or found[0] == one[0]
        lab.apply(programs[0])
        assert lab.rest(programs[0]) == []
        assert verdicts(probes.once()) == before


def turns(lab: Lab, programs: Sequence[NetworkProgram], number: int, *, restarts: bool = False) -> None:
    """One program after another."""
    for turn in range(number):
        if restarts:
            lab.replace_engine()
        lab.apply(programs[turn % len(programs)])


def test_connections_live_through_replacements_and_restarts(lab: Lab) -> None:
    """Within the VPC, to the internet, and through a NAT gateway; the rules they began under come and go."""
    cloud = lab.cloud
    vpc = cloud.vpc("a")
    public, private = cloud.subnet(vpc, "pub", "10.0.0.0/24"), cloud.subnet(vpc, "priv", "10.0.1.0/24")
    cloud.group(vpc, "all", "tcp:80 10.0.0.0/16")
    cloud.table(vpc, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(
        vpc, "priv", subnets=(private,), nat_gateway=cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    )
    cloud.task("one", public, "10.0.0.20", "sg-a-all", public="198.18.0.20")
    cloud.task("two", private, "10.0.1.20", "sg-a-all")
    lab.settle()
    lab.listen("task-two", 80)
    lab.listen("internet", 80)
    pairs: list[tuple[socket.socket, socket.socket]] = []
    for start, address, place in (
        ("task-one", "10.0.1.20", "task-two"),
        ("task-one", "203.0.113.10", "internet"),
        ("task-two", "203.0.113.10", "internet"),
    ):
        flow = lab.connect(start, address, 80)
        pairs.append((flow, lab.accept(lab.servers[place, 80])[0]))
    for turn in range(RESTARTS):
        if turn % 2:
            cloud.drop("sgr-a-all-in0")
            cloud.drop("sgr-a-all-out0")
        else:
            cloud.rule("sg-a-all", "in0", "tcp:80 10.0.0.0/16")
            cloud.rule("sg-a-all", "out0", "-1 0.0.0.0/0", is_egress=True)
        if turn % 5 == 0:
            lab.replace_engine()
        lab.settle()
        for flow, peer in pairs:
            flow.sendall(turn.to_bytes(4, "big"))
            assert peer.recv(4) == turn.to_bytes(4, "big")
            peer.sendall(b"yes!")
            assert flow.recv(4) == b"yes!"
