"""The history of services in the store: kept for 90 days, gone an hour after its service is."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.compile.test_service_history import BEGAN, deployment, record, service
from tests.controllers.recording import Bench

from seawall.controllers import service_history as loop
from seawall.controllers.loop import After, Done
from seawall.model.service import Service, ServiceEvents, ServiceNetwork, ServiceRevision
from seawall.model.service_deployment import ServiceDeployment
from seawall.store.store import Store

ID = "default/web"


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def test_records_follow_their_service(bench: Bench, store: Store) -> None:
    bench.put(service(deployment(2), deployment(1, status="ACTIVE")), record(1), record(2))
    assert loop.reconcile(ID, bench.context) == Done()
    found = {one.id: one.status for one in store.all(ServiceDeployment)}
    assert found == {"default/web/1": "STOPPED", "default/web/2": "IN_PROGRESS"}
    settled = store.revision()
    loop.reconcile(ID, bench.context)
    assert store.revision() == settled


def test_old_records_go(bench: Bench, store: Store) -> None:
    old = record(1, status="SUCCESSFUL", created_at=BEGAN - timedelta(days=90))
    bench.put(service(deployment(2, "COMPLETED")), old, record(2, status="SUCCESSFUL"))
    loop.reconcile(ID, bench.context)
    assert [one.id for one in store.all(ServiceDeployment)] == ["default/web/2"]


def test_a_deleted_service_is_forgotten_with_all_that_is_its(bench: Bench, store: Store) -> None:
    revision = ServiceRevision(
        id="default/web/1",
        cluster="default",
        service="web",
        number="1",
        task_definition="web:1",
        network=ServiceNetwork(subnet_ids=("subnet-a",)),
        created_at=BEGAN,
    )
    now = bench.context.clock.now()
    gone = service(deployment(1), status="INACTIVE", inactive_at=now)
    other = replace(gone, id="default/other", name="other", status="ACTIVE", inactive_at=None)
    bench.put(gone, other, revision, record(1), ServiceEvents(id=ID), ServiceEvents(id="default/other"))
    assert loop.reconcile(ID, bench.context) == After(3600.0)
    bench.clock.move(3600)
    assert loop.reconcile(ID, bench.context) == Done()
    assert [one.id for one in store.all(Service)] == ["default/other"]
    assert [one.id for one in store.all(ServiceEvents)] == ["default/other"]
    assert store.all(ServiceRevision) == store.all(ServiceDeployment) == []
