"""Binding Elastic IPs to the private addresses of interfaces."""

from msgspec.structs import replace

from seawall.model.elastic_ip import ElasticIp
from seawall.model.network_interface import NetworkInterface, PublicAssociation
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError


def associate(
    txn: Transaction,
    interface: NetworkInterface,
    address: ElasticIp,
    account: str,
    private: str | None = None,
) -> NetworkInterface:
    """Bind `address` to `interface`: writes the address, returns the interface to be written.

    private   which of its private addresses; None: the primary one
    Raises    ApiError Resource.AlreadyAssociated.
    """
    if address.association_id:
        raise ApiError(
            "Resource.AlreadyAssociated",
            f"resource {address.id} is already associated with associate-id {address.association_id}",
        )
    private = private or interface.private_ip_address
    association = PublicAssociation(
        public_ip=address.public_ip,
        ip_owner_id=account,
        allocation_id=address.id,
        association_id=new_id("eipassoc"),
    )
    txn.put(
        replace(
            address,
            association_id=association.association_id,
            network_interface_id=interface.id,
            private_ip_address=private,
        )
    )
    return with_association(interface, private, association)


def disassociate(txn: Transaction, address: ElasticIp) -> ElasticIp:
    """Free `address` from its interface; writes both, returns the address as written."""
    interface = txn.find(NetworkInterface, address.network_interface_id or "")
    if interface is not None:
        txn.put(with_association(interface, address.private_ip_address or "", None))
    freed = replace(address, association_id=None, network_interface_id=None, private_ip_address=None)
    txn.put(freed)
    return freed


def association_of(interface: NetworkInterface, private: str) -> PublicAssociation | None:
    """What stands for that private address on the internet."""
    if private == interface.private_ip_address:
        return interface.association
    found = (s.association for s in interface.secondary_addresses if s.private_ip_address == private)
    return next(found, None)


def with_association(
    interface: NetworkInterface, private: str, association: PublicAssociation | None
) -> NetworkInterface:
    """`interface` with that association at its address `private`."""
    if private == interface.private_ip_address:
        return replace(interface, association=association)
    secondary = tuple(
        replace(s, association=association) if s.private_ip_address == private else s
        for s in interface.secondary_addresses
    )
    return replace(interface, secondary_addresses=secondary)
