"""Metrics through the CloudWatch client, in each protocol botocore may speak."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.store.metrics import Metric, Metrics, Statistics


@pytest.fixture
def metrics(tmp_path: Path, resources: dict[str, Any]) -> Iterator[Metrics]:
    opened = resources["metrics"] = Metrics(tmp_path / "metrics.db")
    yield opened
    opened.close()


@pytest.fixture
def cloudwatch(aws: Callable[[str], Any], metrics: Metrics) -> Any:
    return aws("cloudwatch")


def window(clock: Any, minutes: int = 60) -> dict[str, Any]:
    return {"StartTime": clock.now - timedelta(minutes=minutes), "EndTime": clock.now + timedelta(minutes=1)}


def test_values_come_back_as_statistics(cloudwatch: Any, clock: Any) -> None:
    for value in (1.0, 5.0, 3.0):
        cloudwatch.put_metric_data(
            Namespace="mine",
            MetricData=[{"MetricName": "m", "Value": value, "Unit": "Count", "Timestamp": clock.now}],
        )
    clock.advance(60)
    cloudwatch.put_metric_data(
        Namespace="mine",
        MetricData=[{"MetricName": "m", "Values": [2.0, 4.0], "Counts": [3.0, 1.0], "Unit": "Count"}],
    )
    every = ["SampleCount", "Sum", "Minimum", "Maximum", "Average"]
    asked = {"Namespace": "mine", "MetricName": "m", "Period": 60, "Statistics": every}
    first, second = cloudwatch.get_metric_statistics(**asked, **window(clock))["Datapoints"]
    assert [first[name] for name in every] == [3, 9, 1, 5, 3]
    assert (first["Unit"], first["Timestamp"]) == ("Count", clock.now - timedelta(seconds=60))
    assert [second[name] for name in every] == [4, 10, 2, 4, 2.5]
    (both,) = cloudwatch.get_metric_statistics(**asked | {"Period": 3600}, **window(clock))["Datapoints"]
    assert [both[name] for name in every] == [7, 19, 1, 5, 19 / 7]


def test_dimensions_make_another_metric(cloudwatch: Any, clock: Any, metrics: Metrics) -> None:
    now = int(clock.now.timestamp())
    for nat, value in (("nat-1", 7.0), ("nat-2", 9.0)):
        metric = Metric("AWS/NATGateway", "ActiveConnectionCount", (("NatGatewayId", nat),))
        metrics.add([(metric, Statistics(now, 1, value, value, value, "Count"))])
    listed = cloudwatch.list_metrics(Namespace="AWS/NATGateway", Dimensions=[{"Name": "NatGatewayId"}])
    assert [m["Dimensions"][0]["Value"] for m in listed["Metrics"]] == ["nat-1", "nat-2"]
    only = cloudwatch.list_metrics(Dimensions=[{"Name": "NatGatewayId", "Value": "nat-2"}])["Metrics"]
    query = {"Id": "a", "MetricStat": {"Metric": only[0], "Period": 60, "Stat": "Maximum"}}
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **window(clock))["MetricDataResults"]
    assert (result["Id"], result["Values"], result["StatusCode"]) == ("a", [9.0], "Complete")


def test_what_is_old_is_forgotten(clock: Any, metrics: Metrics) -> None:
    now, metric = int(clock.now.timestamp()), Metric("n", "m")
    metrics.add([(metric, Statistics(now, 1, 1, 1, 1))])
    metrics.add([(metric, Statistics(now + 16 * 86_400, 1, 1, 1, 1))])
    assert [s.time for s in metrics.read(metric, 0, 1 << 40, 60)] == [now + 16 * 86_400]


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (
            {"StartTime": "2026-01-02T00:00:00Z"},
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        ),
        ({"Period": 61}, "InvalidParameterValue", "The parameter Period must be a multiple of 60."),
        (
            {"StartTime": "2025-12-30T00:00:00Z"},
            "InvalidParameterCombination",
            "You have requested up to 2,881 datapoints, which exceeds the limit of 1,440. You may reduce the"
            " datapoints requested by increasing Period, or decreasing the time range.",
        ),
    ],
)
def test_bad_questions(cloudwatch: Any, clock: Any, change: dict[str, Any], code: str, text: str) -> None:
    asked = {"Namespace": "n", "MetricName": "m", "Period": 60, "Statistics": ["Sum"], **window(clock)}
    with pytest.raises(ClientError) as caught:
        cloudwatch.get_metric_statistics(**asked | change)
    assert code in caught.value.response["Error"]["Code"]
    assert caught.value.response["Error"]["Message"] == text


def test_namespaces_of_aws_are_reserved(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="reserved"):
        cloudwatch.put_metric_data(Namespace="AWS/ECS", MetricData=[{"MetricName": "m", "Value": 1.0}])
