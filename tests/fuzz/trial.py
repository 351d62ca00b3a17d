"""One world tried: put in force, probed, compared; what differs is tried again, alone."""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from subprocess import run
from unittest.mock import patch

import msgspec
from msgspec.structs import replace
from tests.fuzz.cases import Case
from tests.fuzz.prober import Prober
from tests.fuzz.probes import Candidates, Probe
from tests.fuzz.shrink import shrink
from tests.fuzz.verdict import Difference, Expectation, difference, expectations
from tests.fuzz.worlds import random_world
from tests.packet.ears import one_processor
from tests.packet.lab import Lab

from seawall.compile.network import numbers
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.program.network import NetworkProgram

CROWD = 24  # numbers that all keys of a crowded world wish for
PROBES_PER_WORLD = 220
MOST_LOOKED_AT = 1500  # for the choice of those that connect
FRESH_PORT = 65001  # 65001-65535 are for those that are tried again
NOTHING = NetworkSnapshot(region="us-east-1", account="123456789012")


class Tally(msgspec.Struct, kw_only=True):
    """What was tried so far."""

    worlds: int = 0
    vpcs: int = 0
    probes: int = 0
    connected: int = 0
    retried: int = 0

    def __str__(self) -> str:
        return (
            f"{self.worlds} worlds, {self.vpcs} VPCs, {self.probes} probes"
            f" ({self.connected} to connect, {self.retried} tried twice)"
        )

    def add(self, other: "Tally") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Bench:
    """A place for one world after another."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.tally = Tally()

    def try_seed(self, seed: int) -> list[Difference]:
        snapshot = random_world(seed)
        probes = balanced(snapshot, Candidates(snapshot, seed), PROBES_PER_WORLD)
        self.lab.apply(program_of(snapshot, is_crowded(seed)))
        return self.compare(snapshot, probes)

    def try_case(self, case: Case) -> list[Difference]:
        """From nothing, so that no flow of another try lives on."""
        self.lab.apply(compile_network(NOTHING))
        self.lab.apply(program_of(case.snapshot, case.crowded))
        return self.compare(case.snapshot, {p: expectations(case.snapshot, p) for p in case.probes})

    def compare(
        self, snapshot: NetworkSnapshot, probes: Mapping[Probe, tuple[Expectation, ...]]
    ) -> list[Difference]:
        """Walk's word about each, and what the kernel, whatever is in force there, does."""
        with Prober(self.lab.namespaces, snapshot) as prober:
            found = prober.outcomes(list(probes))
            doubtful = [
                (probe, wanted)
                for (probe, wanted), outcome in zip(probes.items(), found, strict=True)
                if difference(probe, wanted, outcome)
            ]
            again = [_again(prober, snapshot, probe, turn) for turn, (probe, _) in enumerate(doubtful)]
        self.tally.add(
            Tally(
                worlds=1,
                vpcs=len(snapshot.vpcs),
                probes=len(probes),
                connected=sum(wanted[0].connects for wanted in probes.values()),
                retried=len(doubtful),
            )
        )
        return [one for one in again if one is not None]

    def smallest(self, found: Difference, seed: int) -> Case:
        """The difference, in the seed's world without all that it does not need."""
        snapshot = random_world(seed)

        def case(candidate: NetworkSnapshot) -> Case:
            return Case(about=str(found), snapshot=candidate, probes=(found.probe,), crowded=is_crowded(seed))

        def still(candidate: NetworkSnapshot) -> bool:
            standing = {interface.id for interface in candidate.network_interfaces}
            return found.probe.start in {None, *standing} and bool(self.try_case(case(candidate)))

        before = replace(self.tally)
        smallest = shrink(snapshot, still)
        self.tally = before
        return case(smallest)


def is_crowded(seed: int) -> bool:
    return seed % 2 == 1


def program_of(snapshot: NetworkSnapshot, crowded: bool) -> NetworkProgram:
    """As Seawall compiles it; crowded, numbers that are rarely neighbours or wished for twice often are."""
    if not crowded:
        return compile_network(snapshot)
    offset = numbers._offset
    with patch.object(numbers, "_offset", lambda key, span: offset(key, min(span, CROWD))):
        return compile_network(snapshot)


def balanced(
    snapshot: NetworkSnapshot, candidates: Iterable[Probe], wanted: int
) -> dict[Probe, tuple[Expectation, ...]]:
    """Half of them and more connect, as far as enough of those are found."""
    kinds: dict[str, dict[Probe, tuple[Expectation, ...]]] = {"connects": {}, "one way": {}, "dropped": {}}
    connecting = wanted * 11 // 20
    for number, probe in enumerate(islice(candidates, MOST_LOOKED_AT)):
        expected = expectations(snapshot, probe)
        kind = "connects" if expected[0].connects else "one way" if expected[0].place else "dropped"
        kinds[kind][probe] = expected
        if number >= wanted and len(kinds["connects"]) >= connecting:
            break
    parts = (kinds["connects"], connecting), (kinds["one way"], wanted // 5), (kinds["dropped"], wanted)
    chosen = chain.from_iterable(islice(found.items(), most) for found, most in parts)
    return dict(islice(chosen, wanted))


@contextmanager
def bench(processor: int | None = None) -> Iterator[Bench]:
    """A bench in this private world, with namespaces of its own, on one processor."""
    with tempfile.TemporaryDirectory() as folder, one_processor(processor):
        run(["mount", "-t", "tmpfs", "run", folder], check=True)
        loop = asyncio.new_event_loop()
        try:
            lab = Lab(Path(folder), loop.run_until_complete)
            yield Bench(lab)
            lab.close()
        finally:
            loop.close()
            run(["umount", "--lazy", folder], check=True)


def _again(prober: Prober, snapshot: NetworkSnapshot, probe: Probe, turn: int) -> Difference | None:
    """Alone, in a flow of its own, which may meet other rules."""
    if probe.source_port:
        probe = replace(probe, source_port=FRESH_PORT + turn % 500)
    return difference(probe, expectations(snapshot, probe), prober.outcomes([probe])[0])
