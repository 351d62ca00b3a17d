"""Reachability Analyzer: the paths whose reachability can be asked for.

What a path names must be there when it is made; where it is gone later, an analysis says so.
"""

import re
from typing import Any

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.internet_gateway import InternetGateway
from seawall.model.network_insights import NetworkInsightsAnalysis, NetworkInsightsPath, PathFilter
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Resource
from seawall.model.transit_gateway import TransitGateway, TransitGatewayAttachment
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

LARGEST_PAGE = 100
# By how their ids begin: what they are, and how ARNs name it.
_SOURCES: dict[str, tuple[type[Resource], str]] = {
    "eni": (NetworkInterface, "network-interface"),
    "igw": (InternetGateway, "internet-gateway"),
    "pcx": (VpcPeeringConnection, "vpc-peering-connection"),
    "tgw": (TransitGateway, "transit-gateway"),
    "tgw-attach": (TransitGatewayAttachment, "transit-gateway-attachment"),
}
_DESTINATIONS: dict[str, tuple[type[Resource], str]] = {**_SOURCES, "vpce": (VpcEndpoint, "vpc-endpoint")}
_KNOWN = {*_DESTINATIONS, "i", "vgw", "vpce-svc"}


@operation(
    "ec2",
    "CreateNetworkInsightsPath",
    refused={
        "Source": "an instance, VPN gateway, VPC endpoint or endpoint service",
        "Destination": "an instance, VPN gateway or endpoint service",
    },
    note=(
        "A peering connection or transit gateway as source stands for the tasks that send through it; a path"
        " to one ends there."
    ),
)
def create_network_insights_path(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        path = look_up(txn, NetworkInsightsPath, once(call, params, txn, _create))
    return {"NetworkInsightsPath": _shown(call, path)}


def _create(call: Call, params: Params, txn: Transaction) -> str:
    source = _resource_id(call, txn, required(params.get("Source"), "source"), "source")
    destination = params.get("Destination")
    given, at_end = _filter(params.get("FilterAtSource")), _filter(params.get("FilterAtDestination"))
    source_ip, destination_ip = params.get("SourceIp"), params.get("DestinationIp")
    port = params.get("DestinationPort")
    if given is not None and (source_ip is not None or port is not None):
        raise ApiError(
            "InvalidParameterCombination",
            "The parameter filterAtSource cannot be used with the parameters sourceIp or destinationPort",
        )
    if at_end is not None and destination_ip is not None:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameter filterAtDestination cannot be used with the parameter destinationIp",
        )
    if not destination and not destination_ip and not (given and given.destination_address):
        raise ApiError("MissingParameter", "The request must contain the parameter destination")
    path = NetworkInsightsPath(
        id=new_id("nip"),
        source=source,
        destination=_resource_id(call, txn, destination, "destination") if destination else None,
        source_ip=source_ip,
        destination_ip=destination_ip,
        protocol=params["Protocol"],
        destination_port=port,
        filter_at_source=given,
        filter_at_destination=at_end,
        create_time=call.now,
        tags=tags_for(params, "network-insights-path"),
    )
    txn.put(path, expect=0)
    return path.id


@operation("ec2", "DeleteNetworkInsightsPath")
def delete_network_insights_path(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        id = required(params.get("NetworkInsightsPathId"), "networkInsightsPathId")
        path = look_up(txn, NetworkInsightsPath, id)
        if txn.referrers(NetworkInsightsAnalysis, path.ref):
            raise ApiError(
                "AnalysisExistsForNetworkInsightsPath",
                f"There are existing analyses for the network insights path {path.id}.",
            )
        txn.delete(NetworkInsightsPath, path.id)
    return {"NetworkInsightsPathId": path.id}


@operation("ec2", "DescribeNetworkInsightsPaths")
def describe_network_insights_paths(call: Call, params: Params) -> dict[str, Any]:
    paths = chosen(call.store, NetworkInsightsPath, params.get("NetworkInsightsPathIds"))
    paths = filtered(params, paths, _FILTERS, tags=lambda path: path.tags)
    page, token = paged(params, paths, lambda path: path.id, smallest=1, largest=LARGEST_PAGE)
    return answer("NetworkInsightsPaths", [_shown(call, path) for path in page], token)


def _at_source(path: NetworkInsightsPath) -> PathFilter:
    return path.filter_at_source or PathFilter()


def _at_destination(path: NetworkInsightsPath) -> PathFilter:
    return path.filter_at_destination or PathFilter()


_FILTERS: Filters[NetworkInsightsPath] = {
    "destination": lambda path: path.destination,
    "filter-at-destination.destination-address": lambda path: _at_destination(path).destination_address,
    "filter-at-destination.destination-port-range": lambda path: _range(
        _at_destination(path).destination_port_range
    ),
    "filter-at-destination.source-address": lambda path: _at_destination(path).source_address,
    "filter-at-destination.source-port-range": lambda path: _range(_at_destination(path).source_port_range),
    "filter-at-source.destination-address": lambda path: _at_source(path).destination_address,
    "filter-at-source.destination-port-range": lambda path: _range(_at_source(path).destination_port_range),
    "filter-at-source.source-address": lambda path: _at_source(path).source_address,
    "filter-at-source.source-port-range": lambda path: _range(_at_source(path).source_port_range),
    "protocol": lambda path: path.protocol,
    "source": lambda path: path.source,
}


def _range(ports: tuple[int, int] | None) -> str | None:
    return f"{ports[0]}-{ports[1]}" if ports else None


def _resource_id(call: Call, reader: Reader, given: str, parameter: str) -> str:
    """The id out of an id or ARN.  The code for what is not there is EC2's, the text follows its others."""
    id = given.rpartition("/")[2] if given.startswith("arn:") else given
    prefix = id.rpartition("-")[0]
    if prefix not in _KNOWN or not re.fullmatch(r"(?:[0-9a-f]{8}|[0-9a-f]{17})", id.rpartition("-")[2]):
        raise ApiError("InvalidParameterValue", f"Value ({given}) for parameter {parameter} is invalid.")
    served = _SOURCES if parameter == "source" else _DESTINATIONS
    if prefix not in served:
        not_served(f"A {parameter} like {given}")
    kind, noun = served[prefix]
    if given not in (id, call.arn(f"{noun}/{id}")) or reader.find(kind, id) is None:
        code = f"NetworkInsights{parameter.capitalize()}.NotFound"
        raise ApiError(code, f"The {parameter} '{given}' does not exist")
    return id


def _filter(given: Params | None) -> PathFilter | None:
    if not given:
        return None
    return PathFilter(
        source_address=given.get("SourceAddress"),
        source_port_range=_ports(given.get("SourcePortRange")),
        destination_address=given.get("DestinationAddress"),
        destination_port_range=_ports(given.get("DestinationPortRange")),
    )


def _ports(given: Params | None) -> tuple[int, int] | None:
    """A range; one end alone stands for one port."""
    if not given:
        return None
    ends = [end for end in (given.get("FromPort"), given.get("ToPort")) if end is not None]
    if not ends:
        return None
    if ends[0] > ends[-1]:
        raise ApiError("InvalidParameterValue", f"Invalid port range {ends[0]}-{ends[-1]}")
    return ends[0], ends[-1]


def _shown(call: Call, path: NetworkInsightsPath) -> dict[str, Any]:
    shape = {
        "NetworkInsightsPathId": path.id,
        "NetworkInsightsPathArn": call.arn(f"network-insights-path/{path.id}"),
        "CreatedDate": path.create_time,
        "Source": path.source,
        "SourceArn": _arn(call, path.source),
        "SourceIp": path.source_ip,
        "Destination": path.destination,
        "DestinationArn": _arn(call, path.destination) if path.destination else None,
        "DestinationIp": path.destination_ip,
        "Protocol": path.protocol,
        "DestinationPort": path.destination_port,
        "FilterAtSource": _shown_filter(path.filter_at_source) if path.filter_at_source else None,
        "FilterAtDestination": (
            _shown_filter(path.filter_at_destination) if path.filter_at_destination else None
        ),
        "Tags": tag_list(path.tags),
    }
    return {name: value for name, value in shape.items() if value is not None}


def _arn(call: Call, id: str) -> str:
    return call.arn(f"{_DESTINATIONS[id.rpartition('-')[0]][1]}/{id}")


def _shown_filter(given: PathFilter) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "SourceAddress": given.source_address,
        "SourcePortRange": _shown_range(given.source_port_range),
        "DestinationAddress": given.destination_address,
        "DestinationPortRange": _shown_range(given.destination_port_range),
    }
    return {name: value for name, value in shape.items() if value is not None}


def _shown_range(ports: tuple[int, int] | None) -> dict[str, int] | None:
    return {"FromPort": ports[0], "ToPort": ports[1]} if ports else None
