"""When a change of Route 53 counts as being in sync."""

from datetime import timedelta

import pytest
from tests.controllers.recording import Bench

from seawall.controllers.loop import After, Done
from seawall.controllers.zone_change import KEEP, reconcile
from seawall.model.zone_change import ZoneChange
from seawall.program.host import HostProgram
from seawall.program.messages import Applied
from seawall.program.network import NetworkProgram
from seawall.program.report import Problem
from seawall.store.store import Store


@pytest.fixture
def bench(store: Store) -> Bench:
    """A change that the host has not heard of."""
    made = Bench(store)
    made.put(ZoneChange(id="C1", hosted_zone_id="Z1", submitted_at=made.clock.now()))
    made.meet()
    return made


def status(bench: Bench) -> str:
    return bench.store.get(ZoneChange, "C1").status


def test_a_change_is_in_sync_once_it_is_in_force(bench: Bench) -> None:
    assert bench.look(reconcile, "C1") == Done()
    assert status(bench) == "PENDING"
    bench.settle()
    bench.look(reconcile, "C1")
    assert status(bench) == "INSYNC"


def test_a_zone_that_the_host_cannot_serve_is_not_in_sync(bench: Bench) -> None:
    revision = bench.store.revision()
    bench.context.host.give(HostProgram(revision=revision, network=NetworkProgram()))
    bench.port.tell(Applied(revision=revision, problems=(Problem(subject="Z1", text="zone x: no"),)))
    bench.look(reconcile, "C1")
    assert status(bench) == "PENDING"


def test_a_change_is_forgotten_after_a_day(bench: Bench) -> None:
    bench.settle()
    bench.look(reconcile, "C1")
    bench.clock.move(60)
    assert bench.look(reconcile, "C1") == After((KEEP - timedelta(seconds=60)).total_seconds())
    bench.clock.move(KEEP.total_seconds())
    assert bench.look(reconcile, "C1") == Done()
    assert bench.store.find(ZoneChange, "C1") is None
    assert bench.look(reconcile, "C1") == Done()
