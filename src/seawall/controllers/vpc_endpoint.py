"""VPC endpoints: available once the host has their interfaces, gone once it has not."""

from collections.abc import Iterable

from msgspec.structs import replace

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Transaction


def reconcile(endpoint_id: str, context: Context) -> Done | After:
    endpoint = context.store.find(VpcEndpoint, endpoint_id)
    if endpoint is None or not context.in_force(endpoint.ref):
        return Done()
    if endpoint.state == "deleting":
        with context.store.write() as txn:
            for interface in _interfaces(txn, endpoint):
                txn.delete(NetworkInterface, interface.id)
            txn.delete(VpcEndpoint, endpoint.id)
        return Done()
    return _attach(endpoint, context)


def _attach(endpoint: VpcEndpoint, context: Context) -> Done | After:
    """Interfaces that came with the endpoint, or to it later, are attached once the host has them."""
    with context.store.write() as txn:
        interfaces = _interfaces(txn, endpoint)
        settled = [
            i
            for i in interfaces
            if context.in_force(i.ref) and not context.host.troubled(endpoint.id, i.id, endpoint.vpc_id)
        ]
        for interface in settled:
            attachment = interface.attachment and replace(interface.attachment, status="attached")
            txn.put(replace(interface, status="in-use", attachment=attachment))
        if endpoint.state == "pending" and len(settled) == len(interfaces):
            txn.put(replace(endpoint, state="available"))
    return Done()


def _interfaces(txn: Transaction, endpoint: VpcEndpoint) -> list[NetworkInterface]:
    found = (txn.find(NetworkInterface, id) for id in endpoint.network_interface_ids)
    return [interface for interface in found if interface is not None]


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    return [endpoint.id for endpoint in context.store.all(VpcEndpoint)]


reconciler(
    Reconciler(
        name="vpc_endpoint",
        run=reconcile,
        kinds=frozenset({"vpc_endpoint"}),
        keys=_keys,
        all_keys=_all,
        on_host=_all,
    )
)
