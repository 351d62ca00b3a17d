"""The default set of DHCP options: AmazonProvidedDNS and the region's private domain."""

from typing import Any

from seawall.api.ec2.describe import Filters, answer, filtered, paged
from seawall.api.ec2.lookup import check_id
from seawall.api.ec2.tagging import tag_list
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.dhcp_options import DhcpOptions
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError


def default_dhcp_options(txn: Transaction, region: str) -> DhcpOptions:
    """The account's one set of DHCP options, made at first use."""
    found = txn.all(DhcpOptions)
    if found:
        return found[0]
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    made = DhcpOptions(id=new_id("dopt"), domain_name=domain)
    txn.put(made, expect=0)
    return made


@operation("ec2", "DescribeDhcpOptions", note="There is one set, the default; others cannot be made.")
def describe_dhcp_options(call: Call, params: Params) -> dict[str, Any]:
    wanted = params.get("DhcpOptionsIds") or ()
    known = {options.id: options for options in call.store.all(DhcpOptions)}
    for id in wanted:
        check_id(id, "dopt", "InvalidDhcpOptionsId.Malformed")
        if id not in known:
            raise ApiError("InvalidDhcpOptionID.NotFound", f"The dhcpOption ID '{id}' does not exist")
    items = [known[id] for id in sorted(wanted or known)]
    filters: Filters[DhcpOptions] = {
        "dhcp-options-id": lambda options: options.id,
        "key": lambda options: _configurations(options).keys(),
        "value": lambda options: [text for texts in _configurations(options).values() for text in texts],
        "owner-id": lambda options: call.account,
    }
    items = filtered(params, items, filters, tags=lambda options: options.tags)
    page, token = paged(params, items, lambda options: options.id)
    return answer("DhcpOptions", [_shown(options, call.account) for options in page], token)


def _configurations(options: DhcpOptions) -> dict[str, list[str]]:
    return {
        "domain-name": [options.domain_name],
        "domain-name-servers": list(options.domain_name_servers),
    }


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
