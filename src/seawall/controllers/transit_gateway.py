"""Transit gateways and their attachments: available when packets pass, gone when they do not."""

from collections.abc import Iterable
from datetime import timedelta

from msgspec.structs import replace

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.transit_gateway import TransitGateway, TransitGatewayAttachment
from seawall.store.store import Transaction

KEEP_ENDED = timedelta(hours=1)  # deleted ones stay visible about this long


def reconcile_gateway(id: str, context: Context) -> Done | After:
    gateway = context.store.find(TransitGateway, id)
    if gateway is None or gateway.state == "available":
        return Done()
    if gateway.state == "deleted":
        return _forget(gateway, context)
    if not context.in_force(gateway.ref):
        return Done()
    if gateway.state == "deleting":
        new = replace(gateway, state="deleted", deleted_at=context.clock.now())
    elif context.host.troubled(gateway.id):
        return Done()
    else:
        new = replace(gateway, state="available")
    with context.store.write() as txn:
        txn.put(new)
    return Done()


def reconcile_attachment(id: str, context: Context) -> Done | After:
    attachment = context.store.find(TransitGatewayAttachment, id)
    if attachment is None:
        return Done()
    if attachment.state == "deleted":
        return _forget(attachment, context)
    settled = attachment.state == "available" and attachment.association_state == "associated"
    if settled or not _in_force(attachment, context):
        return Done()
    if attachment.state == "deleting":
        _end(attachment, context)
    elif not context.host.troubled(attachment.transit_gateway_id, *attachment.network_interface_ids):
        _settle(attachment, context)
    return Done()


def _in_force(attachment: TransitGatewayAttachment, context: Context) -> bool:
    interfaces = (Ref("network_interface", id) for id in attachment.network_interface_ids)
    return all(context.in_force(ref) for ref in (attachment.ref, *interfaces))


def _settle(attachment: TransitGatewayAttachment, context: Context) -> None:
    """What was wished for holds: say so, and give back the interfaces of removed subnets."""
    settled = replace(attachment, state="available", association_state="associated")
    if attachment.association_state == "disassociating":
        settled = replace(settled, route_table_id=None)
    with context.store.write() as txn:
        for interface in txn.referrers(NetworkInterface, attachment.ref):
            if interface.id not in attachment.network_interface_ids:
                txn.delete(NetworkInterface, interface.id)
            elif interface.status != "in-use":
                _attached(txn, interface)
        txn.put(settled)


def _attached(txn: Transaction, interface: NetworkInterface) -> None:
    attachment = interface.attachment and replace(interface.attachment, status="attached")
    txn.put(replace(interface, status="in-use", attachment=attachment))


def _end(attachment: TransitGatewayAttachment, context: Context) -> None:
    with context.store.write() as txn:
        for interface in txn.referrers(NetworkInterface, attachment.ref):
            txn.delete(NetworkInterface, interface.id)
        txn.put(
            replace(attachment, state="deleted", network_interface_ids=(), deleted_at=context.clock.now())
        )


def _forget(ended: TransitGateway | TransitGatewayAttachment, context: Context) -> Done | After:
    age = context.clock.now() - (ended.deleted_at or ended.create_time)
    if age < KEEP_ENDED:
        return After((KEEP_ENDED - age).total_seconds())
    with context.store.write() as txn:
        txn.delete(type(ended), ended.id)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _gateways(context: Context) -> Iterable[str]:
    return [gateway.id for gateway in context.store.all(TransitGateway)]


def _attachments(context: Context) -> Iterable[str]:
    return [attachment.id for attachment in context.store.all(TransitGatewayAttachment)]


reconciler(
    Reconciler(
        name="transit_gateway",
        run=reconcile_gateway,
        kinds=frozenset({"transit_gateway"}),
        keys=_keys,
        all_keys=_gateways,
        on_host=_gateways,
    )
)
reconciler(
    Reconciler(
        name="transit_gateway_attachment",
        run=reconcile_attachment,
        kinds=frozenset({"transit_gateway_attachment"}),
        keys=_keys,
        all_keys=_attachments,
        on_host=_attachments,
    )
)
