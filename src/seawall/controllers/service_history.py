"""The history of services: how each deployment ended, and when a deleted service is forgotten."""

from collections.abc import Iterable
from datetime import timedelta

from seawall.compile.service_history import told
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.service import Service
from seawall.model.service_deployment import ServiceDeployment
from seawall.store.service_records import forget_service

KEEP_INACTIVE = timedelta(hours=1)
KEEP_HISTORY = timedelta(days=90)  # "View service history" of the developer guide


def reconcile(service_id: str, context: Context) -> Done | After:
    service = context.store.find(Service, service_id)
    if service is None:
        return Done()
    now = context.clock.now()
    records = context.store.referrers(ServiceDeployment, service.ref)
    old = [record for record in records if now - record.created_at >= KEEP_HISTORY]
    changed = [after for record in records if (after := told(record, service, now)) is not record]
    if changed or old:
        with context.store.write() as txn:
            for record in changed:
                txn.put(record)
            for record in old:
                txn.delete(ServiceDeployment, record.id)
    return _forget(service, context) if service.status == "INACTIVE" else Done()


def _forget(service: Service, context: Context) -> Done | After:
    left = (service.inactive_at or service.created_at) + KEEP_INACTIVE - context.clock.now()
    if left > timedelta(0):
        return After(left.total_seconds())
    with context.store.write() as txn:
        forget_service(txn, service)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    return [service.id for service in context.store.all(Service)]


def _none(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="service_history",
        run=reconcile,
        kinds=frozenset({"service"}),
        keys=_keys,
        all_keys=_all,
        on_host=_none,
    )
)
