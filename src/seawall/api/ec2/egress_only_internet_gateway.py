"""Egress-only internet gateways: made for one VPC, attached from the first moment."""

from typing import Any

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import EGRESS_ONLY_INTERNET_GATEWAYS, check_quota
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_LARGEST_PAGE = 255


@operation("ec2", "CreateEgressOnlyInternetGateway")
def create_egress_only_internet_gateway(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gateway = look_up(txn, EgressOnlyInternetGateway, once(call, params, txn, _create))
    shown = {"EgressOnlyInternetGateway": _shown(gateway)}
    token = params.get("ClientToken")
    return shown | {"ClientToken": token} if token else shown


def _create(call: Call, params: Params, txn: Transaction) -> str:
    vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
    if txn.referrers(EgressOnlyInternetGateway, vpc.ref):
        raise ApiError(
            "InvalidParameterValue",
            f"Network {vpc.id} already has an egress only internet gateway attached",
        )
    count = txn.count(EgressOnlyInternetGateway) + 1
    check_quota(txn, count, EGRESS_ONLY_INTERNET_GATEWAYS, "EgressOnlyInternetGatewayLimitExceeded")
    gateway = EgressOnlyInternetGateway(
        id=new_id("eigw"), vpc_id=vpc.id, tags=tags_for(params, "egress-only-internet-gateway")
    )
    txn.put(gateway, expect=0)
    return gateway.id


@operation("ec2", "DeleteEgressOnlyInternetGateway")
def delete_egress_only_internet_gateway(call: Call, params: Params) -> dict[str, Any]:
    """Routes to it stay, as blackholes."""
    with call.write() as txn:
        id = required(params.get("EgressOnlyInternetGatewayId"), "egressOnlyInternetGatewayId")
        txn.delete(EgressOnlyInternetGateway, look_up(txn, EgressOnlyInternetGateway, id).id)
    return {"ReturnCode": True}


@operation("ec2", "DescribeEgressOnlyInternetGateways")
def describe_egress_only_internet_gateways(call: Call, params: Params) -> dict[str, Any]:
    gateways = chosen(call.store, EgressOnlyInternetGateway, params.get("EgressOnlyInternetGatewayIds"))
    filters: Filters[EgressOnlyInternetGateway] = {}  # tags alone
    gateways = filtered(params, gateways, filters, tags=lambda gateway: gateway.tags)
    page, token = paged(params, gateways, lambda gateway: gateway.id, largest=_LARGEST_PAGE)
    return answer("EgressOnlyInternetGateways", [_shown(gateway) for gateway in page], token)


def _shown(gateway: EgressOnlyInternetGateway) -> dict[str, Any]:
    return {
        "EgressOnlyInternetGatewayId": gateway.id,
        "Attachments": [{"State": "attached", "VpcId": gateway.vpc_id}],
        "Tags": tag_list(gateway.tags),
    }
