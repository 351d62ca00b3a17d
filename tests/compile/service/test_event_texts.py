"""The events of services, word for word: what operators read and programs match."""

import pytest

from seawall.compile.service import event_text
from seawall.compile.service.launching import refusal_text
from seawall.model.service_launch import LaunchRefusal

GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"
TASK, OTHER = "0" * 32, "1" * 32
DEPLOYMENT = "ecs-svc/0123456789012345678"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (event_text.started("web", [TASK]), f"(service web) has started 1 tasks: (task {TASK})."),
        (
            event_text.started("web", [TASK, OTHER], replaced=1),
            f"(service web) has started 2 tasks: (task {TASK}) (task {OTHER}). Amazon ECS replaced 1 tasks"
            " due to an unhealthy status.",
        ),
        (
            event_text.stopped_running("web", [TASK]),
            f"(service web) has stopped 1 running tasks: (task {TASK}).",
        ),
        (
            event_text.registered("web", 1, GROUP),
            f"(service web) registered 1 targets in (target-group {GROUP})",
        ),
        (
            event_text.deregistered("web", 2, GROUP),
            f"(service web) deregistered 2 targets in (target-group {GROUP})",
        ),
        (
            event_text.draining("web", DEPLOYMENT, 1),
            f"(service web, taskSet {DEPLOYMENT}) has begun draining connections on 1 tasks.",
        ),
        (
            event_text.completed("web", DEPLOYMENT),
            f"(service web) (deployment {DEPLOYMENT}) deployment completed.",
        ),
        (event_text.steady("web"), "(service web) has reached a steady state."),
        (
            event_text.unhealthy_target("web", TASK, 80, GROUP, "Request timed out"),
            f"(service web) (task {TASK}) (port 80) is unhealthy in (target-group {GROUP}) due to (reason"
            " Request timed out).",
        ),
        (
            event_text.unhealthy_target(
                "web", TASK, 80, GROUP, "Health checks failed with these codes: [502]"
            ),
            f"(service web) (task {TASK}) (port 80) is unhealthy in (target-group {GROUP}) due to (reason"
            " Health checks failed with these codes: [502]).",
        ),
        (
            event_text.unhealthy_containers("web", TASK),
            f"(service web) (task {TASK}) failed container health checks.",
        ),
        (
            event_text.start_impaired("web"),
            "(service web) is unable to consistently start tasks successfully.",
        ),
        (
            event_text.throttled("web"),
            "(service web) operations are being throttled. Will try again later.",
        ),
        (
            event_text.blocked("web"),
            "(service web) was unable to stop or start tasks during a deployment because of the service"
            " deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try"
            " again.",
        ),
        (
            event_text.protected("web", DEPLOYMENT),
            f"(service web) was unable to reach steady state because task set ({DEPLOYMENT}) was unable to"
            " scale in. Reason: The number of protected tasks are more than the desired count of tasks.",
        ),
    ],
)
def test_an_event_says(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize(
    "reason",
    [
        "Internal error",
        "You've reached the limit on the number of tasks you can run concurrently",
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    ],
)
def test_why_no_task_could_be_placed(reason: str) -> None:
    expected = f"(service web) was unable to place a task. Reason: {reason}."
    assert refusal_text("web", LaunchRefusal("placement", reason)) == expected
    assert event_text.cannot_place("web", f"{reason}.") == expected
