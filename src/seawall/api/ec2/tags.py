"""Tags as calls of their own.  They live on the resources' documents."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, filtered, paged
from seawall.api.ec2.lookup import WORDS, look_up, required
from seawall.api.ec2.quotas import TAGS_PER_RESOURCE, check_count
from seawall.api.ec2.tagging import checked_tags
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.dhcp_options import DhcpOptions
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_acl import NetworkAcl
from seawall.model.network_insights import NetworkInsightsAnalysis, NetworkInsightsPath
from seawall.model.network_interface import NetworkInterface
from seawall.model.prefix_list import PrefixList
from seawall.model.resource import Resource, Tags
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
)
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

RESOURCE_TYPES: dict[type[Resource], str] = {
    DhcpOptions: "dhcp-options",
    EgressOnlyInternetGateway: "egress-only-internet-gateway",
    ElasticIp: "elastic-ip",
    InternetGateway: "internet-gateway",
    NatGateway: "natgateway",
    NetworkAcl: "network-acl",
    NetworkInsightsAnalysis: "network-insights-analysis",
    NetworkInsightsPath: "network-insights-path",
    NetworkInterface: "network-interface",
    PrefixList: "prefix-list",
    RouteTable: "route-table",
    SecurityGroup: "security-group",
    SecurityGroupRule: "security-group-rule",
    Subnet: "subnet",
    TransitGateway: "transit-gateway",
    TransitGatewayAttachment: "transit-gateway-attachment",
    TransitGatewayRouteTable: "transit-gateway-route-table",
    Vpc: "vpc",
    VpcEndpoint: "vpc-endpoint",
    VpcPeeringConnection: "vpc-peering-connection",
}


class Tag(NamedTuple):
    resource_id: str
    resource_type: str
    key: str
    value: str


@operation("ec2", "CreateTags")
def create_tags(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        new = checked_tags(params.get("Tags") or ())
        if not new:
            raise ApiError("MissingParameter", "The request must contain the parameter tagKey")
        for resource in _resources(txn, params):
            tags = {**_tags(resource), **new}
            check_count(len(tags), TAGS_PER_RESOURCE, "TagLimitExceeded")
            txn.put(_tagged(resource, tags))
    return {}


@operation("ec2", "DeleteTags")
def delete_tags(call: Call, params: Params) -> dict[str, Any]:
    """Remove tags by key, or by key and value where one is given; all of them when none is named."""
    with call.write() as txn:
        named = [(tag.get("Key") or "", tag.get("Value")) for tag in params.get("Tags") or ()]
        for resource in _resources(txn, params):
            kept = {
                key: value
                for key, value in _tags(resource).items()
                if named and not any(key == k and v in (None, value) for k, v in named)
            }
            txn.put(_tagged(resource, kept))
    return {}


@operation("ec2", "DescribeTags")
def describe_tags(call: Call, params: Params) -> dict[str, Any]:
    filters: Filters[Tag] = {
        "key": lambda tag: tag.key,
        "resource-id": lambda tag: tag.resource_id,
        "resource-type": lambda tag: tag.resource_type,
        "value": lambda tag: tag.value,
    }
    wanted = filtered(params, sorted(_all_tags(call.store), key=_key), _with_tag_names(params, filters))
    page, token = paged(params, wanted, _key)
    shown = [
        {"ResourceId": t.resource_id, "ResourceType": t.resource_type, "Key": t.key, "Value": t.value}
        for t in page
    ]
    return answer("Tags", shown, token)


def _with_tag_names(params: Params, filters: Filters[Tag]) -> Filters[Tag]:
    """DescribeTags alone knows `tag:KEY` as a filter on single tags: that key with that value."""
    found = dict(filters)
    for given in params.get("Filters") or ():
        name = given.get("Name") or ""
        if name.startswith("tag:"):
            found[name] = _value_of(name[4:])
    return found


def _value_of(key: str) -> Any:
    return lambda tag: tag.value if tag.key == key else None


def _key(tag: Tag) -> str:
    return f"{tag.resource_id} {tag.key}"


def _all_tags(reader: Reader) -> Iterator[Tag]:
    for cls, resource_type in RESOURCE_TYPES.items():
        for resource in reader.all(cls):
            for key, value in _tags(resource).items():
                yield Tag(resource.id, resource_type, key, value)


def _resources(txn: Transaction, params: Params) -> list[Resource]:
    ids = params.get("Resources") or ()
    required(ids[0] if ids else None, "resourceIdSet")
    return [_resource(txn, id) for id in dict.fromkeys(ids)]


def _resource(txn: Transaction, id: str) -> Resource:
    prefix = id.rpartition("-")[0]
    for cls, words in WORDS.items():
        if words.prefix == prefix:
            return look_up(txn, cls, id)
    if prefix == "dopt":
        found = txn.find(DhcpOptions, id)
        if found is not None:
            return found
    raise ApiError("InvalidID", f"The ID '{id}' is not valid")


R = TypeVar("R", bound=Resource)


def _tags(resource: Resource) -> Tags:
    tags: Tags = resource.tags  # type: ignore[attr-defined]  # every kind in RESOURCE_TYPES has them
    return tags


def _tagged(resource: R, tags: Tags) -> R:
    return replace(resource, tags=tags)
