"""Spot interruption on request: only of running Spot tasks, one at a time."""

from datetime import datetime, timezone

import pytest
from msgspec.structs import replace

from seawall.controllers.spot_interruption import NotInterruptible, interrupt
from seawall.model.task import Task, TaskContainer
from seawall.store.store import Store


def task(id: str, provider: str | None = "FARGATE_SPOT") -> Task:
    return Task(
        id=id,
        cluster="default",
        task_definition="web:1",
        group="service:web",
        capacity_provider_name=provider,
        cpu="256",
        memory="512",
        subnet_id="subnet-a",
        security_group_ids=(),
        availability_zone="us-east-1a",
        attachment_id="a",
        containers=(TaskContainer(name="web", id="c", image="web", runtime_id="1"),),
        created_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
    )


def put(store: Store, *tasks: Task) -> None:
    with store.write() as txn:
        for one in tasks:
            txn.put(one)


def test_it_is_to_stop_and_says_why(store: Store) -> None:
    put(store, task("a" * 32), task("b" * 32))
    interrupt(store, "aaaa")
    found = store.get(Task, "a" * 32)
    assert (found.desired_status, found.stop_code, found.stopped_reason, found.version) == (
        "STOPPED",
        "SpotInterruption",
        "Your Spot Task was interrupted.",
        2,
    )
    assert store.get(Task, "b" * 32) == task("b" * 32)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("", ": 0 tasks"),
        ("d", "d: 0 tasks"),
        ("a", "a: 2 tasks"),
        ("b", "does not run on FARGATE_SPOT"),
        ("c", "is stopping already"),
    ],
)
def test_others_are_left_alone(store: Store, start: str, words: str) -> None:
    stopping = replace(task("c" * 32), desired_status="STOPPED")
    put(store, task("a" * 32), task("ab" * 16), task("b" * 32, None), stopping)
    before = store.revision()
    with pytest.raises(NotInterruptible, match=words):
        interrupt(store, start)
    assert store.revision() == before
