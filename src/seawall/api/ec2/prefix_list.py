"""Managed prefix lists: create, change, restore, delete.

Each change of the entries makes a new version.  What AWS does in a moment is done at once here, so that only
the answer of the call itself says "in progress".
Sources: VPC user guide, "Managed prefix lists"; the texts are those that clients of AWS have reported.
"""

from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv6Network, NetmaskValueError
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_block
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.prefix_list_use import overburdened, users_of
from seawall.api.ec2.quotas import (
    ENTRIES_PER_PREFIX_LIST,
    PREFIX_LISTS,
    check_count,
)
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

Entries = tuple[PrefixListEntry, ...]
_RESERVED = ("com.amazonaws.", "com.amazon.", "com.aws.")


@operation("ec2", "CreateManagedPrefixList")
def create_managed_prefix_list(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        made = look_up(txn, PrefixList, once(call, params, txn, _create))
        return {"PrefixList": shown(made, call) | {"State": "create-in-progress"}}


def _create(call: Call, params: Params, txn: Transaction) -> str:
    family = params["AddressFamily"]
    if family not in ("IPv4", "IPv6"):
        raise ApiError("InvalidParameterValue", f"Value ({family}) for parameter AddressFamily is invalid.")
    own = sum(not prefix_list.is_aws_managed for prefix_list in txn.all(PrefixList))
    check_count(own + 1, PREFIX_LISTS, "PrefixListLimitExceeded")
    prefix_list = PrefixList(
        id=new_id("pl"),
        name=_name(params["PrefixListName"]),
        owner_id=call.account,
        address_family=family,
        max_entries=_size(params["MaxEntries"]),
        entries=(),
        tags=tags_for(params, "prefix-list"),
    )
    prefix_list = replace(prefix_list, entries=_with(prefix_list, (), params.get("Entries") or ()))
    txn.put(prefix_list, expect=0)
    return prefix_list.id


@operation(
    "ec2",
    "ModifyManagedPrefixList",
    refused={"IpamPrefixListResolverSyncEnabled": "there is no IPAM"},
)
def modify_managed_prefix_list(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        prefix_list = _own(txn, params)
        _check_version(prefix_list, params.get("CurrentVersion"))
        size, name = params.get("MaxEntries"), params.get("PrefixListName")
        added, removed = params.get("AddEntries") or (), params.get("RemoveEntries") or ()
        if size is not None and (added or removed):
            raise ApiError(
                "InvalidParameterCombination",
                "You cannot modify the entries and the maximum entries for the prefix list in the same"
                " request.",
            )
        changed = replace(prefix_list, state="modify-complete", state_message=None)
        if name is not None:
            changed = replace(changed, name=_name(name))
        if added or removed:
            kept = _without(changed, [_block(entry["Cidr"], changed.address_family) for entry in removed])
            changed = _next_version(changed, _with(changed, kept, added))
        if size is not None:
            changed = _resized(txn, changed, _size(size))
        txn.put(changed)
        return {"PrefixList": shown(changed, call) | {"State": "modify-in-progress"}}


@operation("ec2", "RestoreManagedPrefixListVersion")
def restore_managed_prefix_list_version(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        prefix_list = _own(txn, params)
        _check_version(prefix_list, params["CurrentVersion"])
        entries = entries_of(prefix_list, params["PreviousVersion"])
        check_count(len(entries), prefix_list.max_entries, "PrefixListMaxEntriesExceeded")
        restored = replace(_next_version(prefix_list, entries), state="restore-complete", state_message=None)
        txn.put(restored)
        return {"PrefixList": shown(restored, call) | {"State": "restore-in-progress"}}


@operation("ec2", "DeleteManagedPrefixList")
def delete_managed_prefix_list(call: Call, params: Params) -> dict[str, Any]:
    """A list in use stays: EC2 takes the call, and its state says later that it failed."""
    with call.write() as txn:
        prefix_list = _own(txn, params)
        users = users_of(txn, prefix_list)
        if users:
            text = f"The prefix list is in use by: {', '.join(users[:10])}"
            txn.put(replace(prefix_list, state="delete-failed", state_message=text))
        else:
            txn.delete(PrefixList, prefix_list.id)
    return {"PrefixList": shown(prefix_list, call) | {"State": "delete-in-progress"}}


def entries_of(prefix_list: PrefixList, version: int) -> Entries:
    """The entries of one version.  Raises ApiError InvalidParameterValue when there is no such version."""
    if version == prefix_list.version:
        return prefix_list.entries
    if not 1 <= version < prefix_list.version:
        raise ApiError("InvalidParameterValue", f"Value ({version}) for parameter version is invalid.")
    return prefix_list.history[version - 1]


def shown(prefix_list: PrefixList, call: Call) -> dict[str, Any]:
    account = "aws" if prefix_list.is_aws_managed else call.account
    found: dict[str, Any] = {
        "PrefixListId": prefix_list.id,
        "AddressFamily": prefix_list.address_family,
        "State": prefix_list.state,
        "StateMessage": prefix_list.state_message,
        "PrefixListArn": f"arn:{call.partition}:ec2:{call.region}:{account}:prefix-list/{prefix_list.id}",
        "PrefixListName": prefix_list.name,
        "Tags": tag_list(prefix_list.tags),
        "OwnerId": prefix_list.owner_id,
    }
    if not prefix_list.is_aws_managed:  # AWS tells neither size nor version of its own lists
        found |= {"MaxEntries": prefix_list.max_entries, "Version": prefix_list.version}
    return {member: value for member, value in found.items() if value is not None}


def _own(txn: Transaction, params: Params) -> PrefixList:
    prefix_list = look_up(txn, PrefixList, required(params.get("PrefixListId"), "PrefixListId"))
    if prefix_list.is_aws_managed:
        raise ApiError(
            "UnsupportedOperation",
            f"The prefix list {prefix_list.id} is managed by AWS and cannot be changed.",
        )
    return prefix_list


def _name(name: str) -> str:
    if name.startswith(_RESERVED):
        raise ApiError(
            "InvalidParameterValue", f"The prefix list name cannot begin with ({', '.join(_RESERVED)})."
        )
    if not 1 <= len(name) <= 255:
        raise ApiError("InvalidParameterValue", f"Value ({name}) for parameter PrefixListName is invalid.")
    return name


def _size(size: int) -> int:
    if not 1 <= size <= ENTRIES_PER_PREFIX_LIST:
        raise ApiError(
            "InvalidParameterValue", f"Must specify a max size between 1 and {ENTRIES_PER_PREFIX_LIST}"
        )
    return size


def _resized(txn: Transaction, prefix_list: PrefixList, size: int) -> PrefixList:
    """With that size; or as it is, the state telling whose quota that would break."""
    check_count(len(prefix_list.entries), size, "PrefixListMaxEntriesExceeded")
    resized = replace(prefix_list, max_entries=size)
    txn.put(resized)
    refusing = overburdened(txn, resized)
    if not refusing:
        return resized
    text = f"The following resources do not support the new maximum size: {', '.join(refusing[:10])}"
    return replace(prefix_list, state="modify-failed", state_message=text)


def _check_version(prefix_list: PrefixList, version: int | None) -> None:
    if version is not None and version != prefix_list.version:
        raise ApiError("PrefixListVersionMismatch", "The prefix list has the incorrect version number.")


def _next_version(prefix_list: PrefixList, entries: Entries) -> PrefixList:
    return replace(
        prefix_list,
        entries=entries,
        version=prefix_list.version + 1,
        history=(*prefix_list.history, prefix_list.entries),
    )


def _with(prefix_list: PrefixList, entries: Entries, added: Iterable[Params]) -> Entries:
    """An entry that is there already is given the new description."""
    found = {entry.cidr: entry for entry in entries}
    for entry in added:
        cidr = _block(entry["Cidr"], prefix_list.address_family)
        found[cidr] = PrefixListEntry(cidr=cidr, description=entry.get("Description") or None)
    check_count(len(found), prefix_list.max_entries, "PrefixListMaxEntriesExceeded")
    return tuple(found.values())


def _without(prefix_list: PrefixList, removed: Sequence[str]) -> Entries:
    absent = set(removed) - {entry.cidr for entry in prefix_list.entries}
    if absent:
        raise ApiError(
            "InvalidParameterValue",
            f"The prefix list {prefix_list.id} does not contain the entries: {', '.join(sorted(absent))}.",
        )
    return tuple(entry for entry in prefix_list.entries if entry.cidr not in removed)


def _block(text: str, family: str) -> str:
    if family == "IPv4":
        return str(parse_block(text, "Cidr"))
    try:
        if "/" in text:
            return str(IPv6Network(text, strict=False))
    except (AddressValueError, NetmaskValueError):
        pass
    raise ApiError(
        "InvalidParameterValue",
        f"Value ({text}) for parameter Cidr is invalid. This is not a valid CIDR block.",
    )
