"""Analyses of Reachability Analyzer: each looks at the network as it is when its turn comes."""

from collections.abc import Iterable

from msgspec.structs import replace

from seawall.compile.walk.reachability import analyse
from seawall.controllers.loop import Context, Done, Reconciler, reconciler
from seawall.controllers.network_snapshot import network_snapshot
from seawall.model.network_insights import NetworkInsightsAnalysis, NetworkInsightsPath
from seawall.model.resource import Ref


def reconcile(id: str, context: Context) -> Done:
    analysis = context.store.find(NetworkInsightsAnalysis, id)
    if analysis is None or analysis.status != "running":
        return Done()
    ended = _ended(analysis, context)
    with context.store.write() as txn:
        txn.put(ended)
    return Done()


def _ended(analysis: NetworkInsightsAnalysis, context: Context) -> NetworkInsightsAnalysis:
    path = context.store.get(NetworkInsightsPath, analysis.path_id)
    try:
        found = analyse(network_snapshot(context), path, through=analysis.filter_in_arns)
    except LookupError as missing:
        return replace(analysis, status="failed", status_message=str(missing.args[0]))
    return replace(
        analysis,
        status="succeeded",
        path_found=found.found,
        forward=found.forward,
        back=found.back,
        explanations=found.explanations,
    )


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _running(context: Context) -> Iterable[str]:
    found = context.store.all(NetworkInsightsAnalysis)
    return [analysis.id for analysis in found if analysis.status == "running"]


def _nothing(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="network_insights",
        run=reconcile,
        kinds=frozenset({"network_insights_analysis"}),
        keys=_keys,
        all_keys=_running,
        on_host=_nothing,
    )
)
