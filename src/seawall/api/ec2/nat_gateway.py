"""NAT gateways: the calls record the wish; a loop makes it so (pending, available or failed; deleted)."""

from ipaddress import IPv4Address
from typing import Any, Literal

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.interface_creation import create_interface
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.nat_gateway_address import (
    claim_secondary,
    private_address,
    private_addresses,
    shown_addresses,
    wanted_or_counted,
)
from seawall.api.ec2.quotas import NAT_GATEWAYS_PER_ZONE, check_quota
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.elastic_ip import ElasticIp
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.subnet import Subnet
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

ALIVE = ("pending", "available")


@operation(
    "ec2",
    "CreateNatGateway",
    refused={
        "AvailabilityMode": "regional gateways are not served",
        "AvailabilityZoneAddresses": "regional gateways are not served",
        "VpcId": "regional gateways are not served",
    },
)
def create_nat_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        nat = look_up(txn, NatGateway, once(call, params, txn, _create))
        shown = {"NatGateway": _shown(txn, nat)}
        token = params.get("ClientToken")
        return shown | {"ClientToken": token} if token else shown


def _create(call: Call, params: Params, txn: Transaction) -> str:
    subnet = look_up(txn, Subnet, required(params.get("SubnetId"), "subnetId"))
    connectivity: Literal["public", "private"] = (
        "private" if params.get("ConnectivityType") == "private" else "public"
    )
    address = _address(txn, connectivity, params.get("AllocationId"))
    in_zone = [
        nat
        for nat in txn.all(NatGateway)
        if nat.state in ALIVE and txn.get(Subnet, nat.subnet_id).availability_zone == subnet.availability_zone
    ]
    check_quota(txn, len(in_zone) + 1, NAT_GATEWAYS_PER_ZONE, "NatGatewayLimitExceeded")
    nat = NatGateway(
        id=new_id("nat"),
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        connectivity_type=connectivity,
        allocation_id=address.id if address else None,
        create_time=call.now,
        tags=tags_for(params, "natgateway"),
    )
    given = params.get("PrivateIpAddress")
    wanted = private_address(given) if given else None
    interface = _interface(call, txn, nat, subnet, address, wanted)
    if interface is not None:
        _add_secondary(call, params, txn, connectivity, interface)
    nat = replace(nat, network_interface_id=interface.id if interface else None)
    txn.put(nat, expect=0)
    return nat.id


def _add_secondary(
    call: Call, params: Params, txn: Transaction, connectivity: str, interface: NetworkInterface
) -> None:
    elastic = [look_up(txn, ElasticIp, id) for id in params.get("SecondaryAllocationIds") or ()]
    named, count = params.get("SecondaryPrivateIpAddresses"), params.get("SecondaryPrivateIpAddressCount")
    if connectivity == "private" and elastic:
        raise ApiError(
            "InvalidParameterCombination",
            "The SecondaryAllocationIds parameter cannot be specified when the connectivity type is private.",
        )
    if connectivity == "public" and count:
        raise ApiError(
            "InvalidParameterCombination",
            "The SecondaryPrivateIpAddressCount parameter cannot be specified when the connectivity type is"
            " public.",
        )
    if connectivity == "public" and named and not elastic:
        raise ApiError(
            "InvalidParameterCombination",
            "The SecondaryPrivateIpAddresses parameter needs SecondaryAllocationIds when the connectivity"
            " type is public.",
        )
    if elastic:
        claim_secondary(
            txn, call.account, interface, elastic, private_addresses(named, "secondaryPrivateIpAddress")
        )
    elif named or count:
        wanted = wanted_or_counted(params, "SecondaryPrivateIpAddresses", "SecondaryPrivateIpAddressCount")
        claim_secondary(txn, call.account, interface, (), wanted)


def _address(txn: Transaction, connectivity: str, allocation_id: str | None) -> ElasticIp | None:
    if connectivity == "private":
        if allocation_id:
            raise ApiError(
                "InvalidParameterCombination",
                "The AllocationId parameter cannot be specified when the connectivity type is private.",
            )
        return None
    return look_up(txn, ElasticIp, required(allocation_id, "AllocationId"))


def _interface(
    call: Call,
    txn: Transaction,
    nat: NatGateway,
    subnet: Subnet,
    address: ElasticIp | None,
    wanted: IPv4Address | None,
) -> NetworkInterface | None:
    """The gateway's interface.  None when the subnet is full: EC2 says so later, in the gateway's state.

    An Elastic IP that somebody else holds is left where it is; that too shows later.
    """
    try:
        return create_interface(
            txn,
            account=call.account,
            subnet=subnet,
            group_ids=(),
            description=f"Interface for NAT Gateway {nat.id}",
            interface_type="nat_gateway",
            requester_id=call.account,
            owner=nat.ref,
            now=call.now,
            public=address if address and not address.association_id else None,
            wanted=wanted,
        )
    except ApiError as error:
        if error.code != "InsufficientFreeAddressesInSubnet":
            raise
        return None


@operation("ec2", "DeleteNatGateway")
def delete_nat_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        nat = look_up(txn, NatGateway, required(params.get("NatGatewayId"), "natGatewayId"))
        if nat.state in (*ALIVE, "failed"):
            txn.put(replace(nat, state="deleting", delete_time=call.now))
    return {"NatGatewayId": nat.id}


@operation("ec2", "DescribeNatGateways")
def describe_nat_gateways(call: Call, params: Params) -> dict[str, Any]:
    gateways = chosen(call.store, NatGateway, params.get("NatGatewayIds"))
    filters: Filters[NatGateway] = {
        "connectivity-type": lambda nat: nat.connectivity_type,
        "nat-gateway-id": lambda nat: nat.id,
        "state": lambda nat: nat.state,
        "subnet-id": lambda nat: nat.subnet_id,
        "vpc-id": lambda nat: nat.vpc_id,
    }
    gateways = filtered(params, gateways, filters, tags=lambda nat: nat.tags, member="Filter")
    page, token = paged(params, gateways, lambda nat: nat.id)
    return answer("NatGateways", [_shown(call.store, nat) for nat in page], token)


def _shown(reader: Reader, nat: NatGateway) -> dict[str, Any]:
    shown = {
        "NatGatewayId": nat.id,
        "VpcId": nat.vpc_id,
        "SubnetId": nat.subnet_id,
        "ConnectivityType": nat.connectivity_type,
        "State": nat.state,
        "FailureCode": nat.failure_code,
        "FailureMessage": nat.failure_message,
        "CreateTime": nat.create_time,
        "DeleteTime": nat.delete_time,
        "NatGatewayAddresses": shown_addresses(reader, nat),
        "Tags": tag_list(nat.tags),
    }
    return {member: value for member, value in shown.items() if value is not None}
