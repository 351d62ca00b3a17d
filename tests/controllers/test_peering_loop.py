"""One look at a peering connection: what was in the store, what the host knows, what is in the store then."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.controllers.recording import Bench

from seawall.controllers.loop import After, Done
from seawall.controllers.vpc_peering import KEEP, reconcile
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Store

ID = "pcx-1"
WEEK = timedelta(days=7)


@pytest.fixture
def bench(store: Store) -> Bench:
    """A request that nobody has answered."""
    made = Bench(store)
    made.put(
        VpcPeeringConnection(
            id=ID,
            requester_vpc_id="vpc-1",
            accepter_vpc_id="vpc-2",
            status="pending-acceptance",
            status_message="Pending Acceptance by 123456789012",
            create_time=made.clock.now(),
            expiration_time=made.clock.now() + WEEK,
        )
    )
    made.meet()
    return made


def peering(bench: Bench) -> VpcPeeringConnection:
    return bench.store.get(VpcPeeringConnection, ID)


def test_a_request_expires_after_a_week(bench: Bench) -> None:
    bench.clock.move(60)
    step = bench.look(reconcile, ID)
    assert step == After(WEEK.total_seconds() - 60)
    assert peering(bench).status == "pending-acceptance"
    bench.clock.move(step.seconds)
    bench.look(reconcile, ID)
    expired = peering(bench)
    assert (expired.status, expired.status_message) == ("expired", "Expired")
    assert (expired.expiration_time, expired.ended_at) == (None, bench.clock.now())
    assert expired.refs() == ()


def test_it_is_active_once_packets_pass(bench: Bench) -> None:
    bench.put(replace(peering(bench), status="provisioning", expiration_time=None))
    assert bench.look(reconcile, ID) == Done()
    assert peering(bench).status == "provisioning"
    bench.settle()
    bench.look(reconcile, ID)
    assert (peering(bench).status, peering(bench).status_message) == ("active", "Active")
    before = bench.store.revision()
    assert bench.look(reconcile, ID) == Done()
    assert bench.store.revision() == before


def test_it_is_deleted_once_no_packet_passes(bench: Bench) -> None:
    bench.put(replace(peering(bench), status="deleting", ended_at=bench.clock.now()))
    bench.look(reconcile, ID)
    assert peering(bench).status == "deleting"
    bench.settle()
    bench.look(reconcile, ID)
    assert peering(bench).status == "deleted"
    assert peering(bench).status_message == "Deleted by 123456789012"


@pytest.mark.parametrize("status", sorted(KEEP))
def test_what_has_ended_is_forgotten_after_a_while(bench: Bench, status: str) -> None:
    bench.put(replace(peering(bench), status=status, ended_at=bench.clock.now()))
    bench.clock.move(60)
    step = bench.look(reconcile, ID)
    assert step == After(KEEP[status].total_seconds() - 60)
    bench.clock.move(step.seconds)
    assert bench.look(reconcile, ID) == Done()
    assert bench.store.find(VpcPeeringConnection, ID) is None
    assert bench.look(reconcile, ID) == Done()
