"""Why a NAT gateway cannot come up: the checks EC2 makes after it has answered CreateNatGateway."""

from collections.abc import Sequence

from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway


def nat_gateway_failure(
    nat: NatGateway, gateways: Sequence[InternetGateway], address: ElasticIp | None
) -> tuple[str, str] | None:
    """The failure code and message of a pending gateway, or None when it can become available.

    gateways   the internet gateways attached to the VPC
    address    the Elastic IP of `nat.allocation_id`, None when there is none
    Codes and texts: EC2 API reference, NatGateway.failureMessage.
    """
    if nat.network_interface_id is None:
        return (
            "InsufficientFreeAddressesInSubnet",
            "Subnet has insufficient free addresses to create this NAT gateway",
        )
    if nat.connectivity_type == "private":
        return None
    if not any(gateway.vpc_id == nat.vpc_id for gateway in gateways):
        return "Gateway.NotAttached", f"Network {nat.vpc_id} has no Internet gateway attached"
    if address is None:
        return (
            "InvalidAllocationID.NotFound",
            f"Elastic IP address {nat.allocation_id} could not be associated with this NAT gateway",
        )
    if address.network_interface_id != nat.network_interface_id:
        return "Resource.AlreadyAssociated", f"Elastic IP address {address.id} is already associated"
    return None
