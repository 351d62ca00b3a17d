"""Targets that were deregistered: gone when their deregistration delay is over."""

from collections.abc import Iterable

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.target_group import Target


def reconcile(target_id: str, context: Context) -> Done | After:
    target = context.store.find(Target, target_id)
    if target is None or target.draining_until is None:
        return Done()
    left = (target.draining_until - context.clock.now()).total_seconds()
    if left > 0:
        return After(left)
    with context.store.write() as txn:
        txn.delete(Target, target.id)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    return [target.id for target in context.store.all(Target)]


def _none(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="target_draining",
        run=reconcile,
        kinds=frozenset({"target"}),
        keys=_keys,
        all_keys=_all,
        on_host=_none,
    )
)
