"""Peering connections: active when packets pass, gone when they do not, forgotten after a while."""

from collections.abc import Iterable
from datetime import timedelta

from msgspec.structs import replace

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.vpc_peering_connection import VpcPeeringConnection

# How long what has ended stays visible within one account (VPC peering guide, "lifecycle").
KEEP = {
    "deleted": timedelta(hours=2),
    "failed": timedelta(hours=2),
    "rejected": timedelta(hours=2),
    "expired": timedelta(days=2),
}


def reconcile(id: str, context: Context) -> Done | After:
    peering = context.store.find(VpcPeeringConnection, id)
    if peering is None:
        return Done()
    if peering.status == "pending-acceptance":
        return _pending(peering, context)
    if peering.status in ("provisioning", "deleting"):
        return _on_its_way(peering, context)
    if peering.status in KEEP:
        return _ended(peering, context)
    return Done()


def _pending(peering: VpcPeeringConnection, context: Context) -> Done | After:
    now = context.clock.now()
    if peering.expiration_time is None:
        return Done()
    if now < peering.expiration_time:
        return After((peering.expiration_time - now).total_seconds())
    with context.store.write() as txn:
        txn.put(
            replace(peering, status="expired", status_message="Expired", expiration_time=None, ended_at=now)
        )
    return Done()


def _on_its_way(peering: VpcPeeringConnection, context: Context) -> Done | After:
    if not context.in_force(peering.ref):
        return Done()
    if peering.status == "deleting":
        message = f"Deleted by {context.account}"
        new = replace(peering, status="deleted", status_message=message, ended_at=context.clock.now())
    elif context.host.troubled(peering.id, peering.requester_vpc_id, peering.accepter_vpc_id):
        return Done()
    else:
        new = replace(peering, status="active", status_message="Active")
    with context.store.write() as txn:
        txn.put(new)
    return Done()


def _ended(peering: VpcPeeringConnection, context: Context) -> Done | After:
    left = (peering.ended_at or peering.create_time) + KEEP[peering.status] - context.clock.now()
    if left > timedelta():
        return After(left.total_seconds())
    with context.store.write() as txn:
        txn.delete(VpcPeeringConnection, peering.id)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    return [peering.id for peering in context.store.all(VpcPeeringConnection)]


def _unsettled(context: Context) -> Iterable[str]:
    found = context.store.all(VpcPeeringConnection)
    return [peering.id for peering in found if peering.status in ("provisioning", "deleting")]


reconciler(
    Reconciler(
        name="vpc_peering",
        run=reconcile,
        kinds=frozenset({"vpc_peering_connection"}),
        keys=_keys,
        all_keys=_all,
        on_host=_unsettled,
    )
)
