"""Which VPC endpoint a request came through: told by the address that the endpoint gives everybody."""

from ipaddress import ip_address, ip_network

from seawall.compile.network.endpoint_addresses import endpoint_of
from seawall.iam.context import EndpointOrigin
from seawall.model.internet import ENDPOINT_POOL
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Reader

_POOL = ip_network(ENDPOINT_POOL)


def endpoint_behind(reader: Reader, address: str) -> EndpointOrigin | None:
    """The endpoint with its policy; None for who comes from the internet or from this machine.

    The address inside the VPC is not known: the endpoint hides it.
    """
    try:
        if ip_address(address) not in _POOL:
            return None
    except ValueError:
        return None
    id = endpoint_of(address, reader.all(VpcEndpoint))
    endpoint = reader.find(VpcEndpoint, id) if id is not None else None
    if endpoint is None:
        return None
    return EndpointOrigin(
        id=endpoint.id, vpc_id=endpoint.vpc_id, source_ip=None, policy=endpoint.policy_document
    )
