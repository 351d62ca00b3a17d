"""Default subnets, made again: one /20 in each zone of the default VPC."""

from ipaddress import IPv4Network
from typing import Any

from seawall.api.ec2.birth import new_subnet
from seawall.api.ec2.lookup import required
from seawall.api.ec2.quotas import SUBNETS_PER_VPC, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.subnet import shown_subnet
from seawall.api.ec2.zone_names import zones
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_PREFIX = 20


@operation("ec2", "CreateDefaultSubnet", refused={"Ipv6Native": "true: there are no subnets without IPv4"})
def create_default_subnet(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        if params.get("Ipv6Native"):
            not_served("Ipv6Native=true")
        vpc = next((vpc for vpc in txn.all(Vpc) if vpc.is_default), None)
        if vpc is None:
            raise ApiError("DefaultVpcDoesNotExist", "No default VPC for this user")
        zone, zone_id = _zone(call, params)
        for subnet in txn.referrers(Subnet, vpc.ref):
            if subnet.default_for_az and subnet.availability_zone == zone:
                raise ApiError(
                    "DefaultSubnetAlreadyExistsInAvailabilityZone",
                    f"'{subnet.id}' is already the default subnet in {zone}.",
                )
        check_quota(txn, len(txn.referrers(Subnet, vpc.ref)) + 1, SUBNETS_PER_VPC, "SubnetLimitExceeded")
        made = new_subnet(
            txn,
            vpc,
            _free_block(txn, vpc),
            availability_zone=zone,
            availability_zone_id=zone_id,
            default_for_az=True,
        )
        return {"Subnet": shown_subnet(txn, made, call)}


def _zone(call: Call, params: Params) -> tuple[str, str]:
    """The zone that the request names by its name or id."""
    name, id = params.get("AvailabilityZone"), params.get("AvailabilityZoneId")
    if name and id:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameters availabilityZone and availabilityZoneId cannot be used together",
        )
    wanted = required(name or id, "availabilityZone")
    for zone, zone_id in zones(call.region).items():
        if wanted in (zone, zone_id):
            return zone, zone_id
    parameter = "availabilityZone" if name else "availabilityZoneId"
    raise ApiError("InvalidParameterValue", f"Value ({wanted}) for parameter {parameter} is invalid.")


def _free_block(txn: Transaction, vpc: Vpc) -> str:
    """The first /20 of the VPC that no subnet overlaps."""
    taken = [IPv4Network(subnet.cidr_block) for subnet in txn.referrers(Subnet, vpc.ref)]
    for block in IPv4Network(vpc.cidr_block).subnets(new_prefix=_PREFIX):
        if not any(block.overlaps(other) for other in taken):
            return str(block)
    raise ApiError("InsufficientCidrBlocks", "There are not enough CIDR blocks to satisfy the request.")
