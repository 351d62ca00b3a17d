"""Scheduled actions, through the SDK."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.model.service import Service
from seawall.store.store import Store

BORN = datetime(2026, 1, 1, tzinfo=timezone.utc)
NAMED = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
MORNING = {
    **NAMED,
    "ScheduledActionName": "morning",
    "Schedule": "cron(0 8 * * ? *)",
    "ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 8},
}


@pytest.fixture
def scaling(aws: Callable[..., Any], store: Store) -> Any:
    """A client, where a service is a scalable target."""
    with store.write() as txn:
        txn.put(Service(id="default/web", cluster="default", name="web", incarnation="x", created_at=BORN))
    client = aws("application-autoscaling")
    client.register_scalable_target(**NAMED, MinCapacity=1, MaxCapacity=10)
    return client


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**{name: value for name, value in members.items() if value is not None})
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def test_one_is_put_described_and_deleted(scaling: Any) -> None:
    start = BORN + timedelta(days=1)
    scaling.put_scheduled_action(**MORNING, Timezone="Europe/Berlin", StartTime=start)
    (shown,) = scaling.describe_scheduled_actions(**NAMED)["ScheduledActions"]
    arn = shown.pop("ScheduledActionARN")
    assert arn.startswith("arn:aws:autoscaling:us-east-1:123456789012:scheduledAction:")
    assert arn.endswith(":resource/ecs/service/default/web:scheduledActionName/morning")
    assert shown == {**MORNING, "Timezone": "Europe/Berlin", "StartTime": start, "CreationTime": BORN}
    scaling.put_scheduled_action(**NAMED, ScheduledActionName="morning", Schedule="rate(1 day)")
    (again,) = scaling.describe_scheduled_actions(ServiceNamespace="ecs", ScheduledActionNames=["morning"])[
        "ScheduledActions"
    ]
    assert (again["Schedule"], again["ScalableTargetAction"]) == (
        "rate(1 day)",
        MORNING["ScalableTargetAction"],
    )
    assert "StartTime" not in again
    scaling.delete_scheduled_action(**NAMED, ScheduledActionName="morning")
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []
    code, _ = refused(scaling.delete_scheduled_action, **NAMED, ScheduledActionName="morning")
    assert code == "ObjectNotFoundException"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ScalableTargetAction": None}, "ScalableTargetAction must be set"),
        (
            {"ScalableTargetAction": {}},
            "At least one of minimum capacity and maximum capacity should be provided",
        ),
        (
            {"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}},
            "Maximum capacity cannot be less than minimum capacity",
        ),
        ({"Timezone": "JST"}, "Invalid schedule timezone: JST"),
        ({"Timezone": "../../etc/passwd"}, "Invalid schedule timezone: ../../etc/passwd"),
        ({"StartTime": BORN + timedelta(days=2), "EndTime": BORN}, "StartTime must be before EndTime"),
        ({"Schedule": "cron(0 8 * * * *)"}, "Invalid CRON expression"),
    ],
)
def test_what_it_may_not_be(scaling: Any, changes: dict[str, Any], text: str) -> None:
    assert refused(scaling.put_scheduled_action, **MORNING | changes) == ("ValidationException", text)


def test_it_needs_a_target_and_goes_with_it(scaling: Any) -> None:
    other = {"ResourceId": "service/default/other"}
    assert refused(scaling.put_scheduled_action, **MORNING | other)[0] == "ObjectNotFoundException"
    scaling.put_scheduled_action(**MORNING)
    scaling.deregister_scalable_target(**NAMED)
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []


def test_the_services_own_role_comes_with_the_first_target(aws: Callable[..., Any], scaling: Any) -> None:
    (shown,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    name = "AWSServiceRoleForApplicationAutoScaling_ECSService"
    assert aws("iam").get_role(RoleName=name)["Role"]["Arn"] == shown["RoleARN"]
