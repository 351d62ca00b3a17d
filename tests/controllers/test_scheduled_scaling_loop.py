"""At its time a scheduled action changes the limits of a target, and the service follows."""

from datetime import datetime, timezone

import pytest
from msgspec.structs import replace
from tests.controllers.recording import MovedClock, make

from seawall.controllers.loop import load_reconcilers
from seawall.model.scaling import ScalableTarget, ScalingActivity, ScheduledAction
from seawall.model.service import Service
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TARGET = "service/default/web"


class Stage:
    def __init__(self, store: Store) -> None:
        self.store = store
        chosen = [loop for loop in load_reconcilers() if loop.name == "scheduled_scaling"]
        self.loops, clock, _, _ = make(store, chosen)
        self.clock: MovedClock = clock

    def put(self, name: str, schedule: str, **limits: int) -> None:
        now = self.clock.now()
        with self.store.write() as txn:
            txn.put(
                ScheduledAction(
                    id=f"{TARGET}/{name}",
                    name=name,
                    target_id=TARGET,
                    arn=name,
                    schedule=schedule,
                    creation_time=now,
                    done_until=now,
                    **limits,
                )
            )

    @property
    def desired(self) -> int:
        return self.store.get(Service, "default/web").desired_count

    def told(self) -> list[tuple[str, str, str]]:
        activities = sorted(self.store.all(ScalingActivity), key=lambda one: (one.start_time, one.cause))
        return [(one.status, one.description, one.cause) for one in activities]


@pytest.fixture
def stage(store: Store) -> Stage:
    with store.write() as txn:
        txn.put(
            Service(
                id="default/web",
                cluster="default",
                name="web",
                incarnation="x",
                created_at=NOW,
                desired_count=2,
            )
        )
        txn.put(
            ScalableTarget(
                id=TARGET, arn_id="0", min_capacity=1, max_capacity=5, role_arn="r", creation_time=NOW
            )
        )
    staged = Stage(store)
    staged.loops.start()
    staged.clock.move()
    return staged


def limits(stage: Stage) -> tuple[int, int]:
    target = stage.store.get(ScalableTarget, TARGET)
    return target.min_capacity, target.max_capacity


def test_limits_change_and_the_count_follows(stage: Stage) -> None:
    stage.put("up", "at(2026-01-01T00:10:00)", min_capacity=4, max_capacity=8)
    stage.put("down", "rate(1 hour)", max_capacity=4, min_capacity=0)
    stage.clock.move(599)
    assert (limits(stage), stage.desired) == ((1, 5), 2)
    stage.clock.move(1)
    assert (limits(stage), stage.desired) == ((4, 8), 4)
    stage.clock.move(3000)
    assert (limits(stage), stage.desired) == ((0, 4), 4)
    assert stage.told() == [
        ("Successful", "Setting desired count to 4.", "minimum capacity was set to 4"),
        (
            "Successful",
            "Setting min capacity to 4 and max capacity to 8",
            "scheduled action name up was triggered",
        ),
        (
            "Successful",
            "Setting min capacity to 0 and max capacity to 4",
            "scheduled action name down was triggered",
        ),
    ]


def test_what_cannot_be_fails_and_what_is_suspended_is_left_out(stage: Stage) -> None:
    stage.put("up", "rate(1 minute)", min_capacity=9)
    stage.clock.move(60)
    assert (limits(stage), stage.desired) == ((1, 5), 2)
    (told,) = stage.store.all(ScalingActivity)
    assert (told.status, told.message) == (
        "Failed",
        "Failed to set min capacity to 9. Reason: Maximum capacity cannot be less than minimum capacity",
    )
    target = replace(stage.store.get(ScalableTarget, TARGET), scheduled_suspended=True)
    with stage.store.write() as txn:
        txn.put(target)
    stage.clock.move(120)
    assert len(stage.store.all(ScalingActivity)) == 1
