"""Reachability Analyzer: start an analysis of a path, look at what came out.

The call records what is wanted; a loop walks the path through the network as it then is.
"""

from typing import Any

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.network_insights_path import LARGEST_PAGE
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_insights import NetworkInsightsAnalysis, NetworkInsightsPath
from seawall.store.ids import new_id
from seawall.store.store import Transaction


@operation(
    "ec2",
    "StartNetworkInsightsAnalysis",
    refused={
        "AdditionalAccounts": "there is one account",
        "FilterOutArns": "the one way that packets take is analysed",
    },
)
def start_network_insights_analysis(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        analysis = look_up(txn, NetworkInsightsAnalysis, once(call, params, txn, _start))
    return {"NetworkInsightsAnalysis": _shown(call, analysis)}


def _start(call: Call, params: Params, txn: Transaction) -> str:
    for member in ("AdditionalAccounts", "FilterOutArns"):
        if params.get(member):
            not_served(member)
    id = required(params.get("NetworkInsightsPathId"), "networkInsightsPathId")
    analysis = NetworkInsightsAnalysis(
        id=new_id("nia"),
        path_id=look_up(txn, NetworkInsightsPath, id).id,
        start_time=call.now,
        filter_in_arns=tuple(params.get("FilterInArns") or ()),
        tags=tags_for(params, "network-insights-analysis"),
    )
    txn.put(analysis, expect=0)
    return analysis.id


@operation("ec2", "DeleteNetworkInsightsAnalysis")
def delete_network_insights_analysis(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        id = required(params.get("NetworkInsightsAnalysisId"), "networkInsightsAnalysisId")
        txn.delete(NetworkInsightsAnalysis, look_up(txn, NetworkInsightsAnalysis, id).id)
    return {"NetworkInsightsAnalysisId": id}


@operation("ec2", "DescribeNetworkInsightsAnalyses")
def describe_network_insights_analyses(call: Call, params: Params) -> dict[str, Any]:
    analyses = chosen(call.store, NetworkInsightsAnalysis, params.get("NetworkInsightsAnalysisIds"))
    path_id = params.get("NetworkInsightsPathId")
    if path_id:
        path_id = look_up(call.store, NetworkInsightsPath, path_id).id
        analyses = [analysis for analysis in analyses if analysis.path_id == path_id]
    first, last = params.get("AnalysisStartTime"), params.get("AnalysisEndTime")
    analyses = [
        analysis
        for analysis in analyses
        if (first is None or analysis.start_time >= first) and (last is None or analysis.start_time <= last)
    ]
    analyses = filtered(params, analyses, _FILTERS, tags=lambda analysis: analysis.tags)
    page, token = paged(params, analyses, lambda analysis: analysis.id, smallest=1, largest=LARGEST_PAGE)
    return answer("NetworkInsightsAnalyses", [_shown(call, analysis) for analysis in page], token)


_FILTERS: Filters[NetworkInsightsAnalysis] = {
    "path-found": lambda analysis: analysis.path_found,
    "status": lambda analysis: analysis.status,
}


def _shown(call: Call, analysis: NetworkInsightsAnalysis) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "NetworkInsightsAnalysisId": analysis.id,
        "NetworkInsightsAnalysisArn": call.arn(f"network-insights-analysis/{analysis.id}"),
        "NetworkInsightsPathId": analysis.path_id,
        "StartDate": analysis.start_time,
        "Status": analysis.status,
        "Tags": tag_list(analysis.tags),
    }
    if analysis.filter_in_arns:
        shape["FilterInArns"] = list(analysis.filter_in_arns)
    if analysis.status_message is not None:
        shape["StatusMessage"] = analysis.status_message
    if analysis.path_found is not None:
        shape["NetworkPathFound"] = analysis.path_found
    parts = (("ForwardPathComponents", analysis.forward), ("ReturnPathComponents", analysis.back))
    for member, found in (*parts, ("Explanations", analysis.explanations)):
        if found:
            shape[member] = list(found)
    return shape
