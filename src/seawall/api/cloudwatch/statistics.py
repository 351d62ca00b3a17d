"""Reading metrics: ListMetrics, GetMetricStatistics, GetMetricData."""

from datetime import datetime, timedelta, timezone
from typing import Any

from seawall.api.cloudwatch.names import metric_of, metrics, shown_metric
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.store.metrics import MINUTE_S, STATISTICS, Metric
from seawall.wire.errors import ApiError, NotImplementedHere

METRICS_PER_PAGE = 500
MOST_POINTS = 1440
RECENT = timedelta(hours=3)


@operation(
    "cloudwatch",
    "ListMetrics",
    refused={
        "IncludeLinkedAccounts": "there are no linked accounts",
        "OwningAccount": "there are no linked accounts",
    },
    note="Nothing counts, and so absent are: of NAT gateways IdleTimeoutCount, PeakBytesPerSecond and"
    " PeakPacketsPerSecond; of application load balancers ActiveConnectionCount, ConsumedLCUs,"
    " DesyncMitigationMode_NonCompliant_Request_Count, NonStickyRequestCount, RejectedConnectionCount and"
    " RuleEvaluations; of network load balancers ActiveFlowCount, ConsumedLCUs, PeakPacketsPerSecond and"
    " TCP_ELB_Reset_Count; and all of Container Insights.",
)
def list_metrics(call: Call, params: Params) -> dict[str, Any]:
    since = call.now - RECENT if params.get("RecentlyActive") else datetime.fromtimestamp(0, timezone.utc)
    found = metrics(call).known(
        params.get("Namespace"), params.get("MetricName"), int(since.timestamp()) // MINUTE_S * MINUTE_S
    )
    for wanted in params.get("Dimensions") or ():
        name, value = wanted["Name"], wanted.get("Value")
        found = [m for m in found if any(n == name and value in (None, v) for n, v in m.dimensions)]
    try:
        page, token = take_page(found, METRICS_PER_PAGE, params.get("NextToken"), repr)
    except InvalidToken as error:
        raise ApiError("InvalidParameterValue", "Invalid value for parameter NextToken.") from error
    answer: dict[str, Any] = {"Metrics": [shown_metric(metric) for metric in page]}
    return answer | ({"NextToken": token} if token else {})


@operation("cloudwatch", "GetMetricStatistics", refused={"ExtendedStatistics": "percentiles are not kept"})
def get_metric_statistics(call: Call, params: Params) -> dict[str, Any]:
    metric = metric_of(params["Namespace"], params["MetricName"], params.get("Dimensions"))
    start, end, period = _span(params["StartTime"], params["EndTime"], params["Period"])
    asked = params.get("Statistics")
    if not asked:
        raise ApiError("MissingParameter", "The request must contain the parameter Statistics.")
    points = (end - start) // period
    if points > MOST_POINTS:
        raise ApiError(
            "InvalidParameterCombination",
            f"You have requested up to {points:,} datapoints, which exceeds the limit of {MOST_POINTS:,}. You"
            " may reduce the datapoints requested by increasing Period, or decreasing the time range.",
        )
    seen = metrics(call).read(metric, start, end, period, params.get("Unit"))
    return {
        "Label": metric.name,
        "Datapoints": [
            {"Timestamp": _time(s.time), "Unit": s.unit, **{name: STATISTICS[name](s) for name in asked}}
            for s in seen
        ],
    }


@operation(
    "cloudwatch",
    "GetMetricData",
    stored={"LabelOptions": "labels hold no times"},
    note="Metrics only: expressions are refused.",
)
def get_metric_data(call: Call, params: Params) -> dict[str, Any]:
    most = params.get("MaxDatapoints")
    if params.get("NextToken"):
        raise ApiError("InvalidNextToken", "The next token is invalid.")  # everything is in one answer
    oldest_first = params.get("ScanBy") == "TimestampAscending"
    results = []
    for query in params["MetricDataQueries"]:
        result = _result(call, query, params["StartTime"], params["EndTime"], oldest_first)
        if most is not None and len(result["Values"]) > most:
            raise NotImplementedHere("GetMetricData: more points than MaxDatapoints; ask for a shorter time.")
        if query.get("ReturnData") is not False:
            results.append(result)
    return {"MetricDataResults": results, "Messages": []}


def _result(call: Call, query: Any, since: datetime, until: datetime, oldest_first: bool) -> dict[str, Any]:
    wanted = query.get("MetricStat")
    if wanted is None or query.get("Expression"):
        raise NotImplementedHere("GetMetricData: Seawall does not support expressions.")
    if wanted["Stat"] not in STATISTICS:
        raise NotImplementedHere(f"GetMetricData: Seawall does not keep the statistic {wanted['Stat']}.")
    named = wanted["Metric"]
    metric: Metric = metric_of(named["Namespace"], named["MetricName"], named.get("Dimensions"))
    start, end, period = _span(since, until, wanted["Period"])
    seen = metrics(call).read(metric, start, end, period, wanted.get("Unit"))
    seen = seen if oldest_first else seen[::-1]
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric.name,
        "Timestamps": [_time(s.time) for s in seen],
        "Values": [STATISTICS[wanted["Stat"]](s) for s in seen],
        "StatusCode": "Complete",
    }


def _span(start: datetime, end: datetime, period: int) -> tuple[int, int, int]:
    if start >= end:
        raise ApiError(
            "InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime."
        )
    if period % MINUTE_S:
        raise ApiError("InvalidParameterValue", f"The parameter Period must be a multiple of {MINUTE_S}.")
    return int(start.timestamp()) // MINUTE_S * MINUTE_S, int(end.timestamp()), period


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
