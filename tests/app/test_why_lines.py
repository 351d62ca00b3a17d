"""What `seawall why` prints for people."""

from datetime import datetime, timedelta, timezone

from seawall.app.commands.why import BAR, chart, lines
from seawall.controllers.why import Why
from seawall.model.finding import Finding, Phase

BORN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def phase(
    name: str, began: float, ended: float | None, container: str | None = None, text: str = ""
) -> Phase:
    return Phase(
        name=name,
        began=BORN + timedelta(seconds=began),
        ended=None if ended is None else BORN + timedelta(seconds=ended),
        container=container,
        text=text,
    )


def said(**more: object) -> Why:
    members: dict[str, object] = {
        "task": "0123",
        "cluster": "default",
        "definition": "app:1",
        "status": "RUNNING",
        "desired_status": "RUNNING",
        "stop_code": None,
        "stopped_reason": None,
        "phases": (),
        "waits_for": (),
        "finding": None,
    }
    return Why(**(members | more))  # type: ignore[arg-type]


def test_bars_stand_where_the_time_went() -> None:
    first, second, third = chart(
        (phase("interface", 0, 1), phase("image", 1, 2, "web", "9 MB"), phase("runs", 2, None, "web"))
    )
    assert first.split()[:4] == ["interface", "+0.000", "s", "1.000"]
    assert first.split("|")[1] == ("#" * (BAR // 2)).ljust(BAR)
    assert second.endswith("|  9 MB")
    assert second.split("|")[1].strip() == "#" * (BAR // 2)
    assert "goes on" in third


def test_a_chart_of_no_time_and_of_nothing() -> None:
    assert list(chart(())) == []
    (only,) = chart((phase("interface", 0, 0),))
    assert "#" in only


def test_a_healthy_task_says_so_and_a_waiting_one_what_for() -> None:
    assert list(lines(said()))[-1] == "Nothing is wrong with it."
    waiting = list(lines(said(status="PENDING", waits_for=("container web: its image is pulled",))))
    assert waiting[-1] == "It waits for container web: its image is pulled."


def test_a_cause_is_followed_by_packets_lines_and_advice() -> None:
    finding = Finding(
        category="network",
        cause="rtb-1 has no route",
        commands=("aws ec2 create-route",),
        advice="Or not.",
        packets=("SYN 10.0.0.1 -> 1.2.3.4:443",),
    )
    told = list(lines(said(status="STOPPED", stop_code="TaskFailedToStart", finding=finding)))
    assert told[0] == "Task 0123 (app:1, cluster default): STOPPED, TaskFailedToStart"
    assert told[-5:] == [
        "Cause (network): rtb-1 has no route.",
        "    SYN 10.0.0.1 -> 1.2.3.4:443",
        "This mends it:",
        "    aws ec2 create-route",
        "Or not.",
    ]
