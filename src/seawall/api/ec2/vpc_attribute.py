"""The switches of a VPC: DNS support, DNS host names, address usage metrics."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.lookup import look_up, required
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.vpc import Vpc
from seawall.wire.errors import ApiError

_FIELDS = {
    "EnableDnsSupport": "enable_dns_support",
    "EnableDnsHostnames": "enable_dns_hostnames",
    "EnableNetworkAddressUsageMetrics": "enable_network_address_usage_metrics",
}


@operation(
    "ec2",
    "ModifyVpcAttribute",
    stored={"EnableNetworkAddressUsageMetrics": "there are no CloudWatch metrics to feed"},
)
def modify_vpc_attribute(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        given = {
            field: bool(params[member].get("Value")) for member, field in _FIELDS.items() if member in params
        }
        if not given:
            raise ApiError("MissingParameter", "The request must contain the parameter attribute")
        if len(given) > 1:
            raise ApiError(
                "InvalidParameterCombination",
                "Fields for multiple attribute types specified: "
                + ", ".join(_lower(member) for member in _FIELDS if member in params),
            )
        txn.put(replace(vpc, **given))
    return {}


@operation("ec2", "DescribeVpcAttribute")
def describe_vpc_attribute(call: Call, params: Params) -> dict[str, Any]:
    vpc = look_up(call.store, Vpc, required(params.get("VpcId"), "vpcId"))
    wanted = required(params.get("Attribute"), "attribute")
    for member, field in _FIELDS.items():
        if _lower(member) == wanted:
            return {"VpcId": vpc.id, member: {"Value": getattr(vpc, field)}}
    raise ApiError("InvalidParameterValue", f"Value ({wanted}) for parameter attribute is invalid.")


def _lower(member: str) -> str:
    return member[0].lower() + member[1:]
