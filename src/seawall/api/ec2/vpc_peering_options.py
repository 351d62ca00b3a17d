"""Options of a VPC peering connection: whether names of public addresses resolve to private ones."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.vpc_peering import shown_options
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.wire.errors import ApiError

_SIDES = {
    "AccepterPeeringConnectionOptions": "accepter_dns_resolution",
    "RequesterPeeringConnectionOptions": "requester_dns_resolution",
}
_NOT_SERVED = {
    "AllowEgressFromLocalClassicLinkToRemoteVpc": "there is no EC2-Classic",
    "AllowEgressFromLocalVpcToRemoteClassicLink": "there is no EC2-Classic",
    "AllowMultipathResilience": "it is for peerings between regions",
    "MultipathResilienceMode": "it is for peerings between regions",
}


@operation(
    "ec2",
    "ModifyVpcPeeringConnectionOptions",
    refused={f"{side}.{member}": reason for side in _SIDES for member, reason in _NOT_SERVED.items()},
)
def modify_vpc_peering_connection_options(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        id = required(params.get("VpcPeeringConnectionId"), "vpcPeeringConnectionId")
        peering = look_up(txn, VpcPeeringConnection, id)
        if peering.status != "active":
            raise ApiError(
                "OperationNotPermitted",
                f"Peering {peering.id} is not active. Peering options can be added only to active peerings.",
            )
        given = {member: params[member] for member in _SIDES if member in params}
        if not given:
            raise ApiError(
                "MissingParameter",
                "The request must contain the parameter requesterPeeringConnectionOptions or"
                " accepterPeeringConnectionOptions",
            )
        for member, options in given.items():
            allowed = _dns_resolution(options)
            if allowed is not None:
                peering = replace(peering, **{_SIDES[member]: allowed})
        txn.put(peering)
    return {member: shown_options(getattr(peering, _SIDES[member])) for member in given}


def _dns_resolution(options: Params) -> bool | None:
    for member in _NOT_SERVED:
        if options.get(member):
            not_served(member)
    allowed: bool | None = options.get("AllowDnsResolutionFromRemoteVpc")
    return allowed
