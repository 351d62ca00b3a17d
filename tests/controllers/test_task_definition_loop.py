"""A definition that was deleted goes when the last task that was made of it goes."""

from datetime import datetime, timezone

import pytest
from msgspec.structs import replace
from tests.controllers.recording import make
from tests.fresh_task import fresh_task

from seawall.controllers.loop import load_reconcilers
from seawall.model.service import Deployment, Service
from seawall.model.task import Task
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TASK = fresh_task(security_group_ids=(), containers=(), created_at=NOW, last_status="STOPPED")


def definition(revision: int, status: str = "DELETE_IN_PROGRESS") -> TaskDefinition:
    return TaskDefinition(
        id=f"myapp:{revision}",
        family="myapp",
        revision=revision,
        status=status,  # type: ignore[arg-type]
        container_definitions=(ContainerDefinition(name="web", image="web"),),
        registered_at=NOW,
        registered_by="me",
    )


@pytest.mark.parametrize("restarted", [False, True])
def test_it_goes_with_its_last_task(store: Store, restarted: bool) -> None:
    loop = next(r for r in load_reconcilers() if r.name == "task_definition")
    loops, clock, _, _ = make(store, [loop])
    loops.start()
    with store.write() as txn:
        for kept in (definition(1), definition(2), definition(3, "INACTIVE"), TASK):
            txn.put(kept)
    clock.move()
    assert [d.id for d in store.all(TaskDefinition)] == ["myapp:1", "myapp:3"]
    if restarted:
        loops.stop()
    with store.write() as txn:
        txn.delete(Task, TASK.id)
    if restarted:
        loops, clock, _, _ = make(store, [loop])
        loops.start()
    clock.move()
    assert [d.id for d in store.all(TaskDefinition)] == ["myapp:3"]


def test_a_service_that_may_go_by_it_holds_it(store: Store) -> None:
    loop = next(r for r in load_reconcilers() if r.name == "task_definition")
    loops, clock, _, _ = make(store, [loop])
    loops.start()
    deployment = Deployment(
        id="ecs-svc/1", revision="default/web/1", task_definition="myapp:1", created_at=NOW, updated_at=NOW
    )
    service = Service(
        id="default/web",
        cluster="default",
        name="web",
        incarnation="1",
        deployments=(deployment,),
        created_at=NOW,
    )
    with store.write() as txn:
        txn.put(definition(1))
        txn.put(service)
    clock.move()
    assert [d.id for d in store.all(TaskDefinition)] == ["myapp:1"]
    with store.write() as txn:
        txn.put(replace(service, status="INACTIVE"))
    clock.move()
    assert store.all(TaskDefinition) == []
