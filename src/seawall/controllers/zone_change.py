"""Changes of hosted zones: INSYNC once the host's resolvers answer by them."""

from collections.abc import Iterable
from datetime import timedelta

from msgspec.structs import replace

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.zone_change import ZoneChange

KEEP = timedelta(days=1)  # how long a change can be asked about after it was made


def reconcile(change_id: str, context: Context) -> Done | After:
    change = context.store.find(ZoneChange, change_id)
    if change is None:
        return Done()
    if change.status == "PENDING":
        if context.in_force(change.ref) and not context.host.troubled(change.hosted_zone_id):
            with context.store.write() as txn:
                txn.put(replace(change, status="INSYNC"))
        return Done()
    age = context.clock.now() - change.submitted_at
    if age < KEEP:
        return After((KEEP - age).total_seconds())
    with context.store.write() as txn:
        txn.delete(ZoneChange, change.id)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    return [change.id for change in context.store.all(ZoneChange)]


def _pending(context: Context) -> Iterable[str]:
    return [change.id for change in context.store.all(ZoneChange) if change.status == "PENDING"]


reconciler(
    Reconciler(
        name="zone_change",
        run=reconcile,
        kinds=frozenset({"zone_change"}),
        keys=_keys,
        all_keys=_all,
        on_host=_pending,
    )
)
