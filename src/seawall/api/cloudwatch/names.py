"""A metric as requests name it, and where metrics are kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from seawall.api.registry import Call
from seawall.store.metrics import Metric, Metrics, dimensions_of


def metrics(call: Call) -> Metrics:
    found = call.resources["metrics"]
    assert isinstance(found, Metrics)
    return found


def metric_of(namespace: str, name: str, dimensions: Iterable[Mapping[str, Any]] | None) -> Metric:
    return Metric(namespace, name, dimensions_of({d["Name"]: d["Value"] for d in dimensions or ()}))


def shown_metric(metric: Metric) -> dict[str, Any]:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }
