"""What the two ends of a path stand for: who sends, from which address, to which address."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from typing import NamedTuple

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import CLIENT_ADDRESS
from seawall.model.network_insights import NetworkInsightsPath
from seawall.model.network_interface import NetworkInterface

THOROUGHFARES = ("pcx-", "tgw-")  # what packets pass and never start or stop at


class Ends(NamedTuple):
    """`start` as for `round_trip`."""

    start: str | None
    source: str
    destination: str


class NoPublicAddress(Exception):
    """From the internet there is no way to speak to the destination."""


def path_ends(snapshot: NetworkSnapshot, path: NetworkInsightsPath) -> Iterator[Ends]:
    """All that a packet of the path may look like.

    Raises LookupError when an end is not there (any more), NoPublicAddress.
    """
    given = path.filter_at_source
    own = path.source_ip or (given.source_address if given else None)
    wanted = path.destination_ip or (given.destination_address if given else None)
    if wanted is None and path.filter_at_destination and not path.source.startswith("igw-"):
        wanted = path.filter_at_destination.destination_address
    for sender in _senders(snapshot, path.source):
        source = own or (sender.private_ip_address if sender else CLIENT_ADDRESS)
        for destination in [wanted] if wanted else _addresses(snapshot, path.destination or "", sender):
            yield Ends(sender.id if sender else None, source, destination)


def _senders(snapshot: NetworkSnapshot, id: str) -> list[NetworkInterface | None]:
    """None is the internet."""
    if id.startswith("igw-"):
        _check(id, (gateway.id for gateway in snapshot.internet_gateways))
        return [None]
    if id.startswith(THOROUGHFARES):
        return [*_tasks(snapshot, _joined(snapshot, id))]
    return [_interface(snapshot, id)]


def _addresses(snapshot: NetworkSnapshot, id: str, sender: NetworkInterface | None) -> Iterable[str]:
    """Where a resource is spoken to."""
    if id.startswith("igw-"):
        _check(id, (gateway.id for gateway in snapshot.internet_gateways))
        return [CLIENT_ADDRESS]
    if id.startswith("vpce-"):
        return [_endpoint_address(snapshot, id)]
    if id.startswith(THOROUGHFARES):
        own = sender.vpc_id if sender else ""
        return [task.private_ip_address for task in _tasks(snapshot, _joined(snapshot, id) - {own})]
    interface = _interface(snapshot, id)
    if sender is not None:
        return [interface.private_ip_address]
    elastic = (e.public_ip for e in snapshot.elastic_ips if e.network_interface_id == id)
    public = next(elastic, interface.public_addresses.get(interface.private_ip_address))
    if public is None:
        raise NoPublicAddress(id)
    return [public]


def _joined(snapshot: NetworkSnapshot, id: str) -> set[str]:
    """The VPCs that a peering connection, transit gateway or attachment of one joins."""
    if id.startswith("pcx-"):
        peerings = [p for p in snapshot.vpc_peering_connections if p.id == id]
        _check(id, (p.id for p in peerings))
        return {vpc_id for p in peerings for vpc_id in (p.requester_vpc_id, p.accepter_vpc_id)}
    attachments = snapshot.transit_gateway_attachments
    if id.startswith("tgw-attach-"):
        _check(id, (a.id for a in attachments))
        return {a.vpc_id for a in attachments if a.id == id}
    _check(id, (gateway.id for gateway in snapshot.transit_gateways))
    return {a.vpc_id for a in attachments if a.transit_gateway_id == id}


def _tasks(snapshot: NetworkSnapshot, vpc_ids: set[str]) -> list[NetworkInterface]:
    return [
        interface
        for interface in snapshot.network_interfaces
        if interface.vpc_id in vpc_ids and interface.owner is not None and interface.owner.kind == "task"
    ]


def _endpoint_address(snapshot: NetworkSnapshot, id: str) -> str:
    endpoint = next((e for e in snapshot.vpc_endpoints if e.id == id), None)
    if endpoint is None:
        raise LookupError(f"{id} does not exist")
    if endpoint.network_interface_ids:
        return _interface(snapshot, endpoint.network_interface_ids[0]).private_ip_address
    return _first_address(snapshot, endpoint.service_name)


def _first_address(snapshot: NetworkSnapshot, service_name: str) -> str:
    """An address out of the prefix list of a gateway endpoint's service: one that a service has, if any."""
    blocks = [
        IPv4Network(entry.cidr)
        for listed in snapshot.prefix_lists
        if listed.name == service_name
        for entry in listed.entries
        if ":" not in entry.cidr
    ]
    for address in snapshot.services.values():
        if any(IPv4Network(address).subnet_of(block) for block in blocks):
            return address
    if not blocks:
        raise LookupError(f"{service_name} has no addresses")
    return str(blocks[0][10])


def _interface(snapshot: NetworkSnapshot, id: str) -> NetworkInterface:
    found = next((i for i in snapshot.network_interfaces if i.id == id), None)
    if found is None:
        raise LookupError(f"{id} does not exist")
    return found


def _check(id: str, known: Iterable[str]) -> None:
    if id not in known:
        raise LookupError(f"{id} does not exist")
