"""Prefix lists described: the account's and AWS's, their entries and who uses them."""

from typing import Any

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.prefix_list import entries_of, shown
from seawall.api.ec2.prefix_list_aws import ensure_aws_prefix_lists
from seawall.api.ec2.prefix_list_use import users_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.prefix_list import PrefixList, PrefixListEntry

LARGEST_PAGE = 100


@operation("ec2", "DescribeManagedPrefixLists")
def describe_managed_prefix_lists(call: Call, params: Params) -> dict[str, Any]:
    ensure_aws_prefix_lists(call.store, call.region)
    found = chosen(call.store, PrefixList, params.get("PrefixListIds"))
    filters: Filters[PrefixList] = {**_FILTERS, "owner-id": lambda prefix_list: prefix_list.owner_id}
    found = filtered(params, found, filters, tags=lambda prefix_list: prefix_list.tags)
    page, token = paged(params, found, lambda prefix_list: prefix_list.id, smallest=1, largest=100)
    return answer("PrefixLists", [shown(prefix_list, call) for prefix_list in page], token)


@operation("ec2", "DescribePrefixLists", note="There is one of AWS's own lists, that of Amazon S3.")
def describe_prefix_lists(call: Call, params: Params) -> dict[str, Any]:
    ensure_aws_prefix_lists(call.store, call.region)
    found = [p for p in chosen(call.store, PrefixList, params.get("PrefixListIds")) if p.is_aws_managed]
    page, token = paged(params, filtered(params, found, _FILTERS), lambda prefix_list: prefix_list.id)
    shown_lists = [
        {"PrefixListId": p.id, "PrefixListName": p.name, "Cidrs": [entry.cidr for entry in p.entries]}
        for p in page
    ]
    return answer("PrefixLists", shown_lists, token)


@operation("ec2", "GetManagedPrefixListEntries")
def get_managed_prefix_list_entries(call: Call, params: Params) -> dict[str, Any]:
    prefix_list = _named(call, params)
    entries = entries_of(prefix_list, params.get("TargetVersion") or prefix_list.version)
    page, token = paged(params, sorted(entries, key=_cidr), _cidr, smallest=1, largest=100)
    shown_entries = [
        {"Cidr": entry.cidr} | ({"Description": entry.description} if entry.description else {})
        for entry in page
    ]
    return answer("Entries", shown_entries, token)


@operation("ec2", "GetManagedPrefixListAssociations")
def get_managed_prefix_list_associations(call: Call, params: Params) -> dict[str, Any]:
    users = users_of(call.store, _named(call, params))
    page, token = paged(params, users, str)
    associations = [{"ResourceId": id, "ResourceOwner": call.account} for id in page]
    return answer("PrefixListAssociations", associations, token)


_FILTERS: Filters[PrefixList] = {
    "prefix-list-id": lambda prefix_list: prefix_list.id,
    "prefix-list-name": lambda prefix_list: prefix_list.name,
}


def _named(call: Call, params: Params) -> PrefixList:
    ensure_aws_prefix_lists(call.store, call.region)
    return look_up(call.store, PrefixList, required(params.get("PrefixListId"), "PrefixListId"))


def _cidr(entry: PrefixListEntry) -> str:
    return entry.cidr
