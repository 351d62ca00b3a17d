"""One world tried: put in force, probed, compared; what differs is tried again, alone."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from subprocess import run

import msgspec
from msgspec.structs import replace
from tests.fuzz.prober import Prober
from tests.fuzz.probes import Candidates, Probe
from tests.fuzz.shrink import shrink
from tests.fuzz.verdict import Difference, Expectation, difference, expectation
from tests.fuzz.worlds import random_world
from tests.packet.ears import one_processor
from tests.packet.lab import Lab

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.snapshot import NetworkSnapshot

PROBES_PER_WORLD = 220
LOOKED_AT = 5  # times as many, for the choice that makes half of them connect
FRESH_PORT = 65001  # 65001-65535 are for those that are tried again


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
            f" ({self.connected} connected, {self.retried} tried twice)"
        )


class Bench:
    """A place for one world after another."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.tally = Tally()

    def try_seed(self, seed: int) -> list[Difference]:
        snapshot = random_world(seed)
        return self.try_world(snapshot, balanced(snapshot, Candidates(snapshot, seed), PROBES_PER_WORLD))

    def try_world(self, snapshot: NetworkSnapshot, probes: Sequence[Probe]) -> list[Difference]:
        expected = [expectation(snapshot, probe) for probe in probes]
        self.lab.apply(compile_network(snapshot))
        with Prober(self.lab.namespaces, snapshot) as prober:
            found = prober.outcomes(probes)
            doubtful = [
                (probe, wanted)
                for probe, wanted, outcome in zip(probes, expected, found, strict=True)
                if difference(probe, wanted, outcome)
            ]
            differences = [self._again(prober, *doubt, turn) for turn, doubt in enumerate(doubtful)]
        self.tally.worlds += 1
        self.tally.vpcs += len(snapshot.vpcs)
        self.tally.probes += len(probes)
        self.tally.connected += sum(wanted.connects for wanted in expected)
        self.tally.retried += len(doubtful)
        return [one for one in differences if one is not None]

    def _again(self, prober: Prober, probe: Probe, wanted: Expectation, turn: int) -> Difference | None:
        """Alone, in a flow of its own."""
        if probe.source_port:
            probe = replace(probe, source_port=FRESH_PORT + turn % 500)
        return difference(probe, wanted, prober.outcomes([probe])[0])

    def smallest(self, snapshot: NetworkSnapshot, probe: Probe) -> NetworkSnapshot:
        """The world without all that the difference does not need."""

        def still(candidate: NetworkSnapshot) -> bool:
            if probe.start and probe.start not in {i.id for i in candidate.network_interfaces}:
                return False
            self.lab.apply(compile_network(NetworkSnapshot(region="us-east-1", account="123456789012")))
            return bool(self.try_world(candidate, [probe]))

        return shrink(snapshot, still)


def balanced(snapshot: NetworkSnapshot, candidates: Iterable[Probe], wanted: int) -> list[Probe]:
    """About half of them connect, as far as enough of those are found."""
    looked_at = [(probe, expectation(snapshot, probe)) for probe in islice(candidates, wanted * LOOKED_AT)]
    kinds: dict[str, list[Probe]] = {"connects": [], "one way": [], "dropped": []}
    for probe, expected in looked_at:
        kind = "connects" if expected.connects else "one way" if expected.request else "dropped"
        kinds[kind].append(probe)
    chosen = kinds["connects"][: wanted // 2] + kinds["one way"][: wanted // 4]
    return chosen + kinds["dropped"][: wanted - len(chosen)]


@contextmanager
def bench(processor: int | None = None) -> Iterator[Bench]:
    """A bench in this private world, with namespaces of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        one_processor([processor] if processor is not None else None),
    ):
        run(["mount", "-t", "tmpfs", "run", folder], check=True)
        loop = asyncio.new_event_loop()
        try:
            lab = Lab(Path(folder), loop.run_until_complete)
            yield Bench(lab)
            lab.close()
        finally:
            loop.close()
            run(["umount", "--lazy", folder], check=True)


def summary(differences: Iterable[Difference]) -> str:
    counted = Counter(one.expected.because for one in differences)
    return "\n".join(f"{number:5} {because}" for because, number in counted.most_common(10))
