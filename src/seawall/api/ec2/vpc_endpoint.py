"""VPC endpoints: create, change, delete.

A gateway endpoint is a route in tables and works at once; an interface endpoint has interfaces, which a loop
brings into being (pending, available).  Both are "deleting" until the host knows of them no more.
Sources: AWS PrivateLink guide; the texts are those that clients of AWS have reported.
"""

import secrets
import string
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import GATEWAY_ENDPOINTS, INTERFACE_ENDPOINTS_PER_VPC, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.tagging import tags_for
from seawall.api.ec2.vpc_endpoint_description import shown
from seawall.api.ec2.vpc_endpoint_interfaces import (
    add_interfaces,
    default_group,
    drop_interfaces,
    set_groups,
    wanted_addresses,
)
from seawall.api.ec2.vpc_endpoint_policy import checked_policy, default_policy
from seawall.api.ec2.vpc_endpoint_private_dns import check_private_dns
from seawall.api.ec2.vpc_endpoint_routes import add_routes, remove_routes, tables_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.endpoint_service import EndpointService, find_service
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

ALIVE = ("pending", "available")
_LABEL = string.ascii_lowercase + string.digits
_REFUSED = {
    "IpAddressType": "endpoints have IPv4 addresses only",
    "DnsOptions": "names of endpoints have IPv4 addresses only; there are no inbound resolver endpoints",
}


@operation(
    "ec2",
    "CreateVpcEndpoint",
    refused=_REFUSED
    | {
        "VpcEndpointType": "other than Gateway and Interface",
        "ServiceNetworkArn": "there is no VPC Lattice",
        "ResourceConfigurationArn": "there is no VPC Lattice",
    },
    note="Amazon S3 has gateway endpoints only; DynamoDB has none.",
)
def create_vpc_endpoint(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        endpoint = look_up(txn, VpcEndpoint, once(call, params, txn, _create))
        token = params.get("ClientToken")
        answer = {"VpcEndpoint": shown(txn, endpoint, call)}
        return answer | {"ClientToken": token} if token else answer


def _create(call: Call, params: Params, txn: Transaction) -> str:
    vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
    service = _service(call, params)
    _check_address_type(params, service)
    policy = params.get("PolicyDocument")
    kind = service.endpoint_type
    endpoint = VpcEndpoint(
        id=new_id("vpce"),
        vpc_id=vpc.id,
        service_name=service.service_name(call.region),
        endpoint_type=kind,
        state="available" if kind == "Gateway" else "pending",
        policy_document=checked_policy(policy) if policy else default_policy(kind),
        create_time=call.now,
        tags=tags_for(params, "vpc-endpoint"),
    )
    _check_quota(txn, endpoint)
    if kind == "Gateway":
        _refuse_interface_members(params)
        table_ids = params.get("RouteTableIds") or ()
        add_routes(txn, endpoint, table_ids, call.region)
        endpoint = replace(endpoint, route_table_ids=_table_ids(txn, endpoint))
    else:
        endpoint = _with_interfaces(call, params, txn, endpoint, vpc)
    txn.put(endpoint, expect=0)
    return endpoint.id


def _with_interfaces(
    call: Call, params: Params, txn: Transaction, endpoint: VpcEndpoint, vpc: Vpc
) -> VpcEndpoint:
    _refuse_gateway_members(params.get("RouteTableIds"))
    group_ids = dict.fromkeys(params.get("SecurityGroupIds") or (default_group(txn, vpc),))
    subnet_ids = params.get("SubnetIds") or ()
    endpoint = replace(
        endpoint,
        group_ids=tuple(group_ids),
        dns_label="".join(secrets.choice(_LABEL) for _ in range(8)),
        private_dns_enabled=bool(params.get("PrivateDnsEnabled", True)),
    )
    if endpoint.private_dns_enabled:
        check_private_dns(txn, endpoint, call.region)
    wanted = wanted_addresses(params.get("SubnetConfigurations") or (), subnet_ids)
    return add_interfaces(txn, endpoint, subnet_ids, account=call.account, now=call.now, wanted=wanted)


@operation("ec2", "ModifyVpcEndpoint", refused=_REFUSED)
def modify_vpc_endpoint(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        endpoint = look_up(txn, VpcEndpoint, required(params.get("VpcEndpointId"), "vpcEndpointId"))
        service = find_service(endpoint.service_name, call.region)
        if endpoint.state not in ALIVE or service is None:
            raise ApiError("IncorrectState", f"The Vpc Endpoint {endpoint.id} is in state {endpoint.state}")
        _check_address_type(params, service)
        if params.get("ResetPolicy"):
            endpoint = replace(endpoint, policy_document=default_policy(endpoint.endpoint_type))
        if params.get("PolicyDocument"):
            endpoint = replace(endpoint, policy_document=checked_policy(params["PolicyDocument"]))
        change = _change_gateway if endpoint.endpoint_type == "Gateway" else _change_interface
        txn.put(change(call, params, txn, endpoint))
    return {"Return": True}


def _change_gateway(call: Call, params: Params, txn: Transaction, endpoint: VpcEndpoint) -> VpcEndpoint:
    _refuse_interface_members(params)
    remove_routes(txn, endpoint, params.get("RemoveRouteTableIds") or ())
    add_routes(txn, endpoint, params.get("AddRouteTableIds") or (), call.region)
    return replace(endpoint, route_table_ids=_table_ids(txn, endpoint))


def _change_interface(call: Call, params: Params, txn: Transaction, endpoint: VpcEndpoint) -> VpcEndpoint:
    _refuse_gateway_members(params.get("AddRouteTableIds"), params.get("RemoveRouteTableIds"))
    added, removed = params.get("AddSecurityGroupIds") or (), params.get("RemoveSecurityGroupIds") or ()
    if added or removed:
        kept = [id for id in endpoint.group_ids if id not in removed]
        endpoint = set_groups(txn, endpoint, list(dict.fromkeys([*kept, *added])))
    if "PrivateDnsEnabled" in params:
        endpoint = replace(endpoint, private_dns_enabled=bool(params["PrivateDnsEnabled"]))
        if endpoint.private_dns_enabled:
            check_private_dns(txn, endpoint, call.region)
    endpoint = drop_interfaces(txn, endpoint, params.get("RemoveSubnetIds") or ())
    subnet_ids = params.get("AddSubnetIds") or ()
    wanted = wanted_addresses(params.get("SubnetConfigurations") or (), subnet_ids)
    return add_interfaces(txn, endpoint, subnet_ids, account=call.account, now=call.now, wanted=wanted)


@operation("ec2", "DeleteVpcEndpoints")
def delete_vpc_endpoints(call: Call, params: Params) -> dict[str, Any]:
    """Each for itself: those that are not there are told, the others are deleted."""
    with call.write() as txn:
        missing = []
        for id in dict.fromkeys(params["VpcEndpointIds"]):
            try:
                endpoint = look_up(txn, VpcEndpoint, id)
            except ApiError as error:
                if error.code != "InvalidVpcEndpointId.NotFound":
                    raise
                told = {"Code": "InvalidVpcEndpoint.NotFound", "Message": error.message}
                missing.append({"ResourceId": id, "Error": told})
                continue
            remove_routes(txn, endpoint, _table_ids(txn, endpoint))
            txn.put(replace(endpoint, state="deleting", route_table_ids=()))
    return {"Unsuccessful": missing}


def _service(call: Call, params: Params) -> EndpointService:
    name = required(params.get("ServiceName"), "serviceName")
    region = params.get("ServiceRegion") or call.region
    service = find_service(name, call.region) if region == call.region else None
    if service is None:
        raise ApiError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    wanted = params.get("VpcEndpointType") or "Gateway"
    if wanted != service.endpoint_type:
        raise ApiError(
            "InvalidParameter",
            f"Endpoint type ({wanted}) does not match available service types ([{service.endpoint_type}]).",
        )
    return service


def _check_address_type(params: Params, service: EndpointService) -> None:
    """IPv4 alone is served; a request that spells that out is no other than one that leaves it out."""
    if params.get("IpAddressType") not in (None, "ipv4"):
        not_served(f"IpAddressType={params['IpAddressType']}")
    options = params.get("DnsOptions") or Params({})
    if options.get("DnsRecordIpType") not in (None, "ipv4", "service-defined"):
        not_served(f"DnsOptions.DnsRecordIpType={options['DnsRecordIpType']}")
    if options.get("PrivateDnsOnlyForInboundResolverEndpoint"):
        if service.endpoint_type == "Gateway":
            raise ApiError(
                "InvalidParameter",
                "DnsOptions PrivateDnsOnlyForInboundResolverEndpoint is applicable only to Interface VPC"
                " Endpoints.",
            )
        not_served("DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint=true")


def _refuse_interface_members(params: Params) -> None:
    subnets = ("SubnetIds", "AddSubnetIds", "RemoveSubnetIds", "SubnetConfigurations")
    if any(params.get(member) for member in subnets):
        raise ApiError(
            "InvalidParameter",
            "Subnet IDs are only supported for Interface and GatewayLoadBalancer type VPC Endpoints.",
        )
    groups = ("SecurityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds")
    if any(params.get(member) for member in groups):
        raise ApiError(
            "InvalidParameter", "Security groups are only supported for Interface type VPC Endpoints."
        )
    if params.get("PrivateDnsEnabled"):
        raise ApiError("InvalidParameter", "Private DNS is only supported for Interface type VPC Endpoints.")


def _refuse_gateway_members(*table_ids: Sequence[str] | None) -> None:
    if any(table_ids):
        raise ApiError(
            "InvalidParameter", "Route table IDs are only supported for Gateway type VPC Endpoint."
        )


def _check_quota(reader: Reader, endpoint: VpcEndpoint) -> None:
    alike = [
        e
        for e in reader.all(VpcEndpoint)
        if e.endpoint_type == endpoint.endpoint_type
        and e.state in ALIVE
        and (e.endpoint_type == "Gateway" or e.vpc_id == endpoint.vpc_id)
    ]
    most = GATEWAY_ENDPOINTS if endpoint.endpoint_type == "Gateway" else INTERFACE_ENDPOINTS_PER_VPC
    check_quota(reader, len(alike) + 1, most, "VpcEndpointLimitExceeded")


def _table_ids(reader: Reader, endpoint: VpcEndpoint) -> tuple[str, ...]:
    return tuple(table.id for table in tables_of(reader, endpoint))
