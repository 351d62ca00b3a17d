"""Internet gateways."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import INTERNET_GATEWAYS, check_quota
from seawall.api.ec2.route_table_association import forget
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.internet_gateway import InternetGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.wire.errors import ApiError


@operation("ec2", "CreateInternetGateway")
def create_internet_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        check_quota(txn, len(txn.all(InternetGateway)) + 1, INTERNET_GATEWAYS, "InternetGatewayLimitExceeded")
        gateway = InternetGateway(id=new_id("igw"), tags=tags_for(params, "internet-gateway"))
        txn.put(gateway, expect=0)
    return {"InternetGateway": _shown(gateway, call.account)}


@operation("ec2", "AttachInternetGateway")
def attach_internet_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gateway = look_up(
            txn, InternetGateway, required(params.get("InternetGatewayId"), "internetGatewayId")
        )
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        if gateway.vpc_id is not None:
            raise ApiError(
                "Resource.AlreadyAssociated",
                f"resource {gateway.id} is already attached to network {gateway.vpc_id}",
            )
        if txn.referrers(InternetGateway, vpc.ref):
            raise ApiError(
                "InvalidParameterValue", f"Network {vpc.id} already has an internet gateway attached"
            )
        txn.put(replace(gateway, vpc_id=vpc.id))
    return {}


@operation("ec2", "DetachInternetGateway")
def detach_internet_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gateway = look_up(
            txn, InternetGateway, required(params.get("InternetGatewayId"), "internetGatewayId")
        )
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        if gateway.vpc_id != vpc.id:
            raise ApiError(
                "Gateway.NotAttached", f"resource {gateway.id} is not attached to network {vpc.id}"
            )
        if any(interface.public_addresses for interface in txn.referrers(NetworkInterface, vpc.ref)):
            raise ApiError(
                "DependencyViolation",
                f"Network {vpc.id} has some mapped public address(es). Please unmap those public"
                " address(es) before detaching the gateway.",
            )
        forget(txn, gateway.ref)
        txn.put(replace(gateway, vpc_id=None))
    return {}


@operation("ec2", "DeleteInternetGateway")
def delete_internet_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gateway = look_up(
            txn, InternetGateway, required(params.get("InternetGatewayId"), "internetGatewayId")
        )
        if gateway.vpc_id is not None:
            raise ApiError(
                "DependencyViolation",
                f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted.",
            )
        txn.delete(InternetGateway, gateway.id)
    return {}


@operation("ec2", "DescribeInternetGateways")
def describe_internet_gateways(call: Call, params: Params) -> dict[str, Any]:
    gateways = chosen(call.store, InternetGateway, params.get("InternetGatewayIds"))
    filters: Filters[InternetGateway] = {
        "attachment.state": lambda gateway: "available" if gateway.vpc_id else None,
        "attachment.vpc-id": lambda gateway: gateway.vpc_id,
        "internet-gateway-id": lambda gateway: gateway.id,
        "owner-id": lambda gateway: call.account,
    }
    gateways = filtered(params, gateways, filters, tags=lambda gateway: gateway.tags)
    page, token = paged(params, gateways, lambda gateway: gateway.id)
    return answer("InternetGateways", [_shown(gateway, call.account) for gateway in page], token)


def _shown(gateway: InternetGateway, account: str) -> dict[str, Any]:
    # The one state is spelled "available" here, whatever the model's enum of attachment states says.
    attachments = [{"State": "available", "VpcId": gateway.vpc_id}] if gateway.vpc_id else []
    return {
        "InternetGatewayId": gateway.id,
        "Attachments": attachments,
        "OwnerId": account,
        "Tags": tag_list(gateway.tags),
    }
