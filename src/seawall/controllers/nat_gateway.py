"""NAT gateways: available once the host translates, deleted once it no longer does."""

from collections.abc import Iterable
from datetime import timedelta

from msgspec.structs import replace

from seawall.compile.nat_gateway_check import nat_gateway_failure
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.store.store import Transaction

KEEP_ENDED = timedelta(hours=1)  # failed and deleted gateways stay visible about this long


def reconcile(nat_id: str, context: Context) -> Done | After:
    nat = context.store.find(NatGateway, nat_id)
    if nat is None:
        return Done()
    if nat.state == "pending":
        return _pending(nat, context)
    if nat.state == "deleting":
        return _deleting(nat, context)
    if nat.state in ("deleted", "failed"):
        return _forget(nat, context)
    return _drained(nat, context)


def _drained(nat: NatGateway, context: Context) -> Done | After:
    """Take away the secondary addresses whose time is over."""
    interface = context.store.find(NetworkInterface, nat.network_interface_id or "")
    leaving = [s for s in interface.secondary_addresses if s.draining_until] if interface else []
    if interface is None or not leaving:
        return Done()
    now = context.clock.now()
    over = [s for s in leaving if s.draining_until and s.draining_until <= now]
    if not over:
        return After((min(s.draining_until for s in leaving if s.draining_until) - now).total_seconds())
    with context.store.write() as txn:
        for secondary in over:
            if secondary.association and secondary.association.allocation_id:
                _disassociate(txn, secondary.association.allocation_id, interface.id)
        kept = tuple(s for s in interface.secondary_addresses if s not in over)
        txn.put(replace(interface, secondary_addresses=kept))
    return After(0) if len(leaving) > len(over) else Done()


def _pending(nat: NatGateway, context: Context) -> Done | After:
    store = context.store
    gateways = store.referrers(InternetGateway, Ref("vpc", nat.vpc_id))
    address = store.find(ElasticIp, nat.allocation_id or "")
    failure = nat_gateway_failure(nat, gateways, address)
    if failure is not None:
        with store.write() as txn:
            _release(txn, nat)
            code, message = failure
            txn.put(replace(nat, state="failed", failure_code=code, failure_message=message))
        return Done()
    interface = Ref("network_interface", nat.network_interface_id or "")
    if not (context.in_force(nat.ref) and context.in_force(interface)):
        return Done()
    if context.host.troubled(nat.id, interface.id, nat.vpc_id):
        return Done()
    with store.write() as txn:
        found = txn.find(NetworkInterface, interface.id)
        if found is not None:
            attachment = found.attachment and replace(found.attachment, status="attached")
            txn.put(replace(found, status="in-use", attachment=attachment))
        txn.put(replace(nat, state="available"))
    return Done()


def _deleting(nat: NatGateway, context: Context) -> Done | After:
    if not context.in_force(nat.ref):
        return Done()
    with context.store.write() as txn:
        _release(txn, nat)
        txn.put(replace(nat, state="deleted", delete_time=context.clock.now()))
    return Done()


def _release(txn: Transaction, nat: NatGateway) -> None:
    """Give back the interface and the associations of Elastic IPs; the addresses stay the account's."""
    interface = txn.find(NetworkInterface, nat.network_interface_id or "")
    if interface is None:
        return
    held = [nat.allocation_id]
    held += [s.association.allocation_id for s in interface.secondary_addresses if s.association]
    for allocation_id in held:
        _disassociate(txn, allocation_id or "", interface.id)
    txn.delete(NetworkInterface, interface.id)


def _disassociate(txn: Transaction, allocation_id: str, interface_id: str) -> None:
    address = txn.find(ElasticIp, allocation_id)
    if address is not None and address.network_interface_id == interface_id:
        txn.put(replace(address, association_id=None, network_interface_id=None, private_ip_address=None))


def _forget(nat: NatGateway, context: Context) -> Done | After:
    age = context.clock.now() - (nat.delete_time or nat.create_time)
    if age < KEEP_ENDED:
        return After((KEEP_ENDED - age).total_seconds())
    with context.store.write() as txn:
        txn.delete(NatGateway, nat.id)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    if changed.kind == "nat_gateway":
        return (changed.id,)
    if changed.kind == "network_interface":
        interface = context.store.find(NetworkInterface, changed.id)
        draining = interface and any(s.draining_until for s in interface.secondary_addresses)
        return (interface.owner.id,) if interface and draining and interface.owner else ()
    return [nat.id for nat in context.store.all(NatGateway) if nat.state == "pending"]


def _all(context: Context) -> Iterable[str]:
    return [nat.id for nat in context.store.all(NatGateway)]


def _unsettled(context: Context) -> Iterable[str]:
    return [nat.id for nat in context.store.all(NatGateway) if nat.state in ("pending", "deleting")]


reconciler(
    Reconciler(
        name="nat_gateway",
        run=reconcile,
        kinds=frozenset({"nat_gateway", "internet_gateway", "network_interface"}),
        keys=_keys,
        all_keys=_all,
        on_host=_unsettled,
    )
)
