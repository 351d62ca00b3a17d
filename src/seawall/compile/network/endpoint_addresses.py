"""What the services behind VPC endpoints see of them: each an address out of a pool of the internet's."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from seawall.compile.network.numbers import assign
from seawall.model.internet import ENDPOINT_POOL
from seawall.model.vpc_endpoint import VpcEndpoint

ALIVE = ("pending", "available")


def endpoint_addresses(endpoints: Iterable[VpcEndpoint]) -> Mapping[str, str]:
    """An address for each gateway endpoint, by its id, and for each interface of the others, by the
    interface's.  Raises ValueError when there are more of them than addresses.
    """
    network = IPv4Network(ENDPOINT_POOL)
    keys = [key for endpoint in endpoints if endpoint.state in ALIVE for key in _keys(endpoint)]
    numbers = assign(keys, int(network[1]), int(network[-2]))
    return {key: str(IPv4Address(number)) for key, number in numbers.items()}


def endpoint_of(address: str, endpoints: Iterable[VpcEndpoint]) -> str | None:
    """The id (vpce-...) of the endpoint a request came through, by the address it came from."""
    alive = list(endpoints)
    owners = {key: endpoint.id for endpoint in alive for key in _keys(endpoint)}
    keys = {found: key for key, found in endpoint_addresses(alive).items()}
    return owners[keys[address]] if address in keys else None


def _keys(endpoint: VpcEndpoint) -> tuple[str, ...]:
    return (endpoint.id,) if endpoint.endpoint_type == "Gateway" else endpoint.network_interface_ids
