"""Load balancers: active once every node's interface and engine are in force, gone once the host has none."""

from collections.abc import Iterable

from msgspec.structs import replace

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.elastic_ip import ElasticIp
from seawall.model.load_balancer import LoadBalancer
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.store.store import Transaction


def reconcile(balancer_id: str, context: Context) -> Done | After:
    balancer = context.store.find(LoadBalancer, balancer_id)
    if balancer is None or not context.in_force(balancer.ref):
        return Done()
    with context.store.write() as txn:
        if balancer.deleting:
            for interface in txn.referrers(NetworkInterface, balancer.ref):
                _release(txn, interface)
            txn.delete(LoadBalancer, balancer.id)
            return Done()
        wanted = {node.network_interface_id for node in balancer.nodes}
        for interface in txn.referrers(NetworkInterface, balancer.ref):
            if interface.id not in wanted:
                _release(txn, interface)
        _settle(txn, balancer, context)
    return Done()


def _settle(txn: Transaction, balancer: LoadBalancer, context: Context) -> None:
    """Nodes that came with the load balancer, or to it later, are attached once they are there."""
    interfaces = [txn.find(NetworkInterface, node.network_interface_id) for node in balancer.nodes]
    settled = [i for i in interfaces if i is not None and (i.status == "in-use" or _stands(i, context))]
    for interface in settled:
        if interface.status != "in-use":
            attachment = interface.attachment and replace(interface.attachment, status="attached")
            txn.put(replace(interface, status="in-use", attachment=attachment))
    if balancer.state == "provisioning" and len(settled) == len(balancer.nodes):
        txn.put(replace(balancer, state="active"))


def _stands(interface: NetworkInterface, context: Context) -> bool:
    """Whether the host has the interface, and its engine serves what it was last told to."""
    if not context.in_force(interface.ref) or context.host.troubled(interface.id, interface.vpc_id):
        return False
    sent = context.host.sent
    if sent is None or all(program.id != interface.id for program in sent.balancers):
        return sent is not None
    report = context.host.balancers.get(interface.id)
    return report is not None and report.running


def _release(txn: Transaction, interface: NetworkInterface) -> None:
    """Give back the interface and its Elastic IP, which stays the account's."""
    allocation_id = interface.association.allocation_id if interface.association else None
    address = txn.find(ElasticIp, allocation_id or "")
    if address is not None and address.network_interface_id == interface.id:
        txn.put(replace(address, association_id=None, network_interface_id=None, private_ip_address=None))
    txn.delete(NetworkInterface, interface.id)


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    return [balancer.id for balancer in context.store.all(LoadBalancer)]


def _unsettled(context: Context) -> Iterable[str]:
    """Those that wait for the host; what it says of one node concerns that node's load balancer alone."""
    if context.host.about is not None and context.host.about not in context.host.balancers:
        return ()
    return [b.id for b in context.store.all(LoadBalancer) if b.deleting or not _is_settled(b, context)]


def _is_settled(balancer: LoadBalancer, context: Context) -> bool:
    found = (context.store.find(NetworkInterface, node.network_interface_id) for node in balancer.nodes)
    return balancer.state != "provisioning" and all(i is not None and i.status == "in-use" for i in found)


reconciler(
    Reconciler(
        name="load_balancer",
        run=reconcile,
        kinds=frozenset({"load_balancer"}),
        keys=_keys,
        all_keys=_all,
        on_host=_unsettled,
    )
)
