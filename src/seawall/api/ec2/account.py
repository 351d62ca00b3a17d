"""What EC2 says of the account."""

from typing import Any

from seawall.api.ec2.quotas import ELASTIC_IPS, GROUPS_PER_INTERFACE
from seawall.api.params import Params
from seawall.api.quota import limit
from seawall.api.registry import Call, operation
from seawall.model.vpc import Vpc
from seawall.wire.errors import ApiError


@operation("ec2", "DescribeAccountAttributes")
def describe_account_attributes(call: Call, params: Params) -> dict[str, Any]:
    default = next((vpc.id for vpc in call.store.all(Vpc) if vpc.is_default), "none")
    known = {
        "supported-platforms": "VPC",
        "default-vpc": default,
        "vpc-max-security-groups-per-interface": str(limit(call.store, GROUPS_PER_INTERFACE)),
        "max-elastic-ips": str(limit(call.store, ELASTIC_IPS)),
        "vpc-max-elastic-ips": str(limit(call.store, ELASTIC_IPS)),
        "max-instances": "0",
    }
    wanted = params.get("AttributeNames") or known
    for name in wanted:
        if name not in known:
            raise ApiError("InvalidParameterValue", f"Value ({name}) for parameter attributeName is invalid.")
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": known[name]}]} for name in wanted
        ]
    }
