"""DHCP option sets: create, describe, give to a VPC, delete.

Sources: VPC user guide, "DHCP option sets"; CreateDhcpOptions of the service model.
"""

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.dhcp_options import DhcpOptions
from seawall.model.network_interface import DhcpLease
from seawall.model.private_dns import private_domain
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

NO_OPTIONS = "default"  # what a VPC has instead of a set that was taken away
AMAZON_DNS = "AmazonProvidedDNS"
MOST_SERVERS = 4
SHORTEST_LEASE_S, LONGEST_LEASE_S = 140, 2**31 - 1
_LISTS = ("domain-name-servers", "ntp-servers", "netbios-name-servers")
_NAMES = ("domain-name", *_LISTS, "netbios-node-type", "ipv6-address-preferred-lease-time")
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")


def default_dhcp_options(txn: Transaction, region: str) -> DhcpOptions:
    """The set that a new VPC has, made at first use and again after it was deleted."""
    found = next((options for options in txn.all(DhcpOptions) if options.is_default), None)
    if found is not None:
        return found
    made = DhcpOptions(
        id=new_id("dopt"),
        domain_name=private_domain(region),
        domain_name_servers=(AMAZON_DNS,),
        is_default=True,
    )
    txn.put(made, expect=0)
    return made


def dhcp_lease(reader: Reader, vpc_id: str) -> DhcpLease:
    """What a new interface of that VPC is told."""
    vpc = reader.find(Vpc, vpc_id)
    options = reader.find(DhcpOptions, vpc.dhcp_options_id) if vpc else None
    if options is None:
        return DhcpLease()
    return DhcpLease(domain_name=options.domain_name, domain_name_servers=options.domain_name_servers)


@operation(
    "ec2",
    "CreateDhcpOptions",
    note="Tasks take domain-name and domain-name-servers, as on Fargate; the other options are only stored.",
)
def create_dhcp_options(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        options = DhcpOptions(
            id=new_id("dopt"),
            **_fields(params["DhcpConfigurations"]),
            tags=tags_for(params, "dhcp-options"),
        )
        txn.put(options, expect=0)
        return {"DhcpOptions": _shown(options, call.account)}


@operation(
    "ec2", "AssociateDhcpOptions", note="Tasks that run already keep what they were told, as on Fargate."
)
def associate_dhcp_options(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        id = required(params.get("DhcpOptionsId"), "dhcpOptionsId")
        vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        if id != NO_OPTIONS:
            look_up(txn, DhcpOptions, id)
        txn.put(replace(vpc, dhcp_options_id=id))
    return {}


@operation("ec2", "DeleteDhcpOptions")
def delete_dhcp_options(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        options = look_up(txn, DhcpOptions, required(params.get("DhcpOptionsId"), "dhcpOptionsId"))
        if any(vpc.dhcp_options_id == options.id for vpc in txn.all(Vpc)):
            raise ApiError(
                "DependencyViolation",
                f"The dhcpOptions '{options.id}' has dependencies and cannot be deleted.",
            )
        txn.delete(DhcpOptions, options.id)
    return {}


@operation("ec2", "DescribeDhcpOptions")
def describe_dhcp_options(call: Call, params: Params) -> dict[str, Any]:
    items = chosen(call.store, DhcpOptions, params.get("DhcpOptionsIds"))
    filters: Filters[DhcpOptions] = {
        "dhcp-options-id": lambda options: options.id,
        "key": lambda options: _configurations(options).keys(),
        "value": lambda options: [text for texts in _configurations(options).values() for text in texts],
        "owner-id": lambda options: call.account,
    }
    items = filtered(params, items, filters, tags=lambda options: options.tags)
    page, token = paged(params, items, lambda options: options.id)
    return answer("DhcpOptions", [_shown(options, call.account) for options in page], token)


def _fields(configurations: Sequence[Params]) -> dict[str, Any]:
    """The request's options as members of DhcpOptions.  A later one of the same name takes its place."""
    fields: dict[str, Any] = {}
    for configuration in configurations:
        name, given = configuration.get("Key") or "", configuration.get("Values") or []
        if name not in _NAMES:
            raise ApiError(
                "InvalidParameterValue",
                f"Value ({name}) for parameter name is invalid. Unknown DHCP option",
            )
        # Several addresses may stand in one value, separated by commas.
        values = [part.strip() for value in given for part in value.split(",")]
        if not values or not _valid(name, values):
            raise ApiError(
                "InvalidParameterValue",
                f"Value ({', '.join(given)}) for parameter value is invalid. Invalid DHCP option value.",
            )
        fields[name.replace("-", "_")] = tuple(values) if name in _LISTS else values[0]
    return fields


def _valid(name: str, values: list[str]) -> bool:
    if name in _LISTS:
        # AWS's own resolver takes the place of one IPv4 address.
        amazon = name == "domain-name-servers"
        families = [4 if amazon and value == AMAZON_DNS else _family(value) for value in values]
        six = 0 if name == "netbios-name-servers" else MOST_SERVERS
        return families.count(4) <= MOST_SERVERS and families.count(6) <= six and 0 not in families
    if len(values) > 1:
        return False
    (value,) = values
    if name == "domain-name":
        return bool(value) and all(_DOMAIN.fullmatch(word) for word in value.split(" "))
    if name == "netbios-node-type":
        return value in ("1", "2", "4", "8")
    return value.isdecimal() and SHORTEST_LEASE_S <= int(value) <= LONGEST_LEASE_S


def _family(address: str) -> int:
    """4, 6, or 0 for what is no address."""
    for family, kind in ((4, IPv4Address), (6, IPv6Address)):
        try:
            kind(address)
        except AddressValueError:
            continue
        return family
    return 0


def _configurations(options: DhcpOptions) -> dict[str, list[str]]:
    found = {}
    for name in _NAMES:
        value = getattr(options, name.replace("-", "_"))
        if value:
            found[name] = list(value) if name in _LISTS else [value]
    return found


def _shown(options: DhcpOptions, account: str) -> dict[str, Any]:
    return {
        "DhcpOptionsId": options.id,
        "DhcpConfigurations": [
            {"Key": key, "Values": [{"Value": value} for value in values]}
            for key, values in _configurations(options).items()
        ],
        "OwnerId": account,
        "Tags": tag_list(options.tags),
    }
