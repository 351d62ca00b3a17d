"""PutMetricData: values of one's own, filed by the minute."""

from datetime import timedelta
from typing import Any

from seawall.api.cloudwatch.names import metric_of, metrics
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.store.metrics import Metric, Statistics
from seawall.wire.errors import ApiError

OLDEST, NEWEST = timedelta(days=14), timedelta(hours=2)
MOST_VALUES = 150


@operation(
    "cloudwatch",
    "PutMetricData",
    stored={"StorageResolution": "every metric is kept by the minute"},
    refused={
        "EntityMetricData": "there are no entities",
        "StrictEntityValidation": "there are no entities",
    },
    note="Values are kept by the minute, for 15 days.",
)
def put_metric_data(call: Call, params: Params) -> dict[str, Any]:
    namespace = params["Namespace"]
    if namespace.startswith("AWS/"):
        raise ApiError(
            "InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid: it is reserved."
        )
    points = [
        point
        for number, datum in enumerate(params.get("MetricData") or (), 1)
        for point in _points(call, namespace, datum, f"MetricData.member.{number}")
    ]
    call.refuse_unread()
    if points:
        metrics(call).add(points)
    return {}


def _points(call: Call, namespace: str, datum: Any, place: str) -> list[tuple[Metric, Statistics]]:
    """`place` is what errors call the datum."""
    metric = metric_of(namespace, datum["MetricName"], datum.get("Dimensions"))
    when = datum.get("Timestamp") or call.now
    if not call.now - OLDEST <= when <= call.now + NEWEST:
        raise ApiError(
            "InvalidParameterValue",
            f"The parameter {place}.Timestamp must specify a time no more than two weeks in the"
            " past and no more than two hours in the future.",
        )
    time, unit = int(when.timestamp()), datum.get("Unit") or "None"
    value, given, values = datum.get("Value"), datum.get("StatisticValues"), datum.get("Values")
    if sum(part is not None for part in (value, given, values)) != 1:
        raise ApiError(
            "InvalidParameterCombination",
            f"The parameters {place}.Value, {place}.Values and"
            f" {place}.StatisticValues are mutually exclusive and you have to specify one"
            " of them.",
        )
    if given is not None:
        return [
            (
                metric,
                Statistics(
                    time, given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"], unit
                ),
            )
        ]
    if value is not None:
        return [(metric, Statistics(time, 1, value, value, value, unit))]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(counts) != len(values) or len(values) > MOST_VALUES:
        raise ApiError(
            "InvalidParameterValue",
            f"The parameters {place}.Values and {place}.Counts must be of the same"
            f" size, at most {MOST_VALUES}.",
        )
    return [
        (metric, Statistics(time, count, each * count, each, each, unit))
        for each, count in zip(values, counts, strict=True)
    ]
