"""Reads every quarter of a minute what the rules of each VPC counted, before a change makes them anew."""

from collections.abc import Callable, Iterable

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.vpc import Vpc
from seawall.program.report import Counter

Sample = Callable[[str, Context, Callable[[bool], None]], None]
EVERY_S = 15.0


def reconcile(vpc_id: str, context: Context) -> Done | After:
    if context.store.find(Vpc, vpc_id) is None:
        context.counts.forget(vpc_id)
        return Done()
    if context.host.in_force:
        sample(vpc_id, context, lambda _: None)
    return After(EVERY_S)


def sample(vpc_id: str, context: Context, done: Callable[[bool], None]) -> None:
    """Read now; `done` hears whether it could be read."""

    def heard(counters: tuple[Counter, ...] | None) -> None:
        if counters is not None and context.store.find(Vpc, vpc_id) is not None:
            context.counts.take(vpc_id, context.host.world or "", counters, context.clock.now())
        done(counters is not None)

    context.host.read_counters(vpc_id, heard)


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    ids = [vpc.id for vpc in context.store.all(Vpc)]
    context.counts.older |= frozenset(ids)
    return ids


def _unread(context: Context) -> Iterable[str]:
    if not context.host.in_force:
        return ()
    return [vpc.id for vpc in context.store.all(Vpc) if vpc.id not in context.counts.totals]


reconciler(
    Reconciler(
        name="rule_counts",
        run=reconcile,
        kinds=frozenset({"vpc"}),
        keys=_keys,
        all_keys=_all,
        on_host=_unread,
    )
)
