"""Entries of network ACLs: create, replace, delete; and the ones that are always there."""

import re
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_block, parse_ipv6_block
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import RULES_PER_NETWORK_ACL, check_quota
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.vpc import Vpc
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

# The rules that end every list and deny what no other rule decided, by the blocks they are shown with.
_LAST_RULES = {"0.0.0.0/0": 32767, "::/0": 32768}
_LARGEST_NUMBER = 32766
_ICMP, _TCP, _UDP, _ICMPV6 = "1", "6", "17", "58"


@operation("ec2", "CreateNetworkAclEntry")
def create_network_acl_entry(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        acl = _acl(txn, params)
        entry = _entry(params)
        if _find(acl, entry.egress, entry.rule_number):
            raise ApiError(
                "NetworkAclEntryAlreadyExists",
                f"The network acl entry identified by {entry.rule_number} already exists.",
            )
        entries = (*acl.entries, entry)
        _check_room(txn, entries, entry)
        txn.put(replace(acl, entries=entries))
    return {}


@operation("ec2", "ReplaceNetworkAclEntry")
def replace_network_acl_entry(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        acl = _acl(txn, params)
        entry = _entry(params)
        old = _present(acl, entry.egress, entry.rule_number)
        entries = tuple(entry if e is old else e for e in acl.entries)
        _check_room(txn, entries, entry)
        txn.put(replace(acl, entries=entries))
    return {}


@operation("ec2", "DeleteNetworkAclEntry")
def delete_network_acl_entry(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        acl = _acl(txn, params)
        gone = _present(acl, bool(params.get("Egress")), _rule_number(params))
        txn.put(replace(acl, entries=tuple(e for e in acl.entries if e is not gone)))
    return {}


def visible_entries(reader: Reader, acl: NetworkAcl) -> list[NetworkAclEntry]:
    """The stored entries and the last ones of both directions, egress first, in the order of evaluation.

    The last one for IPv6 shows where IPv6 can occur.
    """
    vpc = reader.get(Vpc, acl.vpc_id)
    six = vpc.ipv6_cidr_blocks or any(":" in entry.cidr_block for entry in acl.entries)
    last = [
        NetworkAclEntry(
            rule_number=number, protocol="-1", rule_action="deny", egress=egress, cidr_block=block
        )
        for egress in (True, False)
        for block, number in _LAST_RULES.items()
        if six or ":" not in block
    ]
    return sorted([*acl.entries, *last], key=lambda entry: (not entry.egress, entry.rule_number))


def shown_entry(entry: NetworkAclEntry) -> dict[str, Any]:
    block = "Ipv6CidrBlock" if ":" in entry.cidr_block else "CidrBlock"
    shown: dict[str, Any] = {
        "RuleNumber": entry.rule_number,
        "Protocol": entry.protocol,
        "RuleAction": entry.rule_action,
        "Egress": entry.egress,
        block: entry.cidr_block,
    }
    if entry.from_port is not None:
        shown["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    if entry.icmp_type is not None:
        shown["IcmpTypeCode"] = {"Type": entry.icmp_type, "Code": entry.icmp_code}
    return shown


def _acl(reader: Reader, params: Params) -> NetworkAcl:
    return look_up(reader, NetworkAcl, required(params.get("NetworkAclId"), "networkAclId"))


def _find(acl: NetworkAcl, egress: bool, number: int) -> NetworkAclEntry | None:
    return next((e for e in acl.entries if e.egress == egress and e.rule_number == number), None)


def _present(acl: NetworkAcl, egress: bool, number: int) -> NetworkAclEntry:
    found = _find(acl, egress, number)
    if found is None:
        direction = "egress" if egress else "ingress"
        raise ApiError("InvalidNetworkAclEntry.NotFound", f"no {direction} entry with number {number}")
    return found


def _check_room(reader: Reader, entries: tuple[NetworkAclEntry, ...], new: NetworkAclEntry) -> None:
    """The quota holds for each direction and family, and the rule at the end counts too."""
    same = [e for e in entries if e.egress == new.egress and (":" in e.cidr_block) == (":" in new.cidr_block)]
    check_quota(reader, len(same) + 1, RULES_PER_NETWORK_ACL, "NetworkAclEntryLimitExceeded")


def _entry(params: Params) -> NetworkAclEntry:
    """The entry of a request, in the stored form."""
    protocol = _protocol(required(params.get("Protocol"), "protocol"))
    action = required(params.get("RuleAction"), "ruleAction")
    if action not in ("allow", "deny"):
        raise ApiError("InvalidParameterValue", f"Value ({action}) for parameter ruleAction is invalid.")
    entry = NetworkAclEntry(
        rule_number=_rule_number(params),
        protocol=protocol,
        rule_action="allow" if action == "allow" else "deny",
        egress=bool(params.get("Egress")),
        cidr_block=_block(params),
    )
    ports = params.get("PortRange") or Params({})
    icmp = params.get("IcmpTypeCode") or Params({})
    first, last, kind, code = ports.get("From"), ports.get("To"), icmp.get("Type"), icmp.get("Code")
    if protocol in (_TCP, _UDP):
        return _with_ports(entry, first, last)
    if protocol == _ICMP or (protocol == _ICMPV6 and ":" in entry.cidr_block):
        return _with_icmp(entry, kind, code)
    return entry


def _rule_number(params: Params) -> int:
    number = params.get("RuleNumber")
    if number is None:
        raise ApiError("MissingParameter", "The request must contain the parameter ruleNumber")
    if not 1 <= number <= _LARGEST_NUMBER:
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({number}) for parameter ruleNumber is invalid."
            f" Expecting a value between 1 and {_LARGEST_NUMBER}.",
        )
    return int(number)


def _protocol(text: str) -> str:
    """A protocol number as text; names are not understood (the AWS CLI translates them itself)."""
    if text == "-1" or (re.fullmatch(r"\d{1,3}", text) and int(text) <= 255):
        return str(int(text))
    raise ApiError("InvalidParameterValue", f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def _block(params: Params) -> str:
    four, six = params.get("CidrBlock"), params.get("Ipv6CidrBlock")
    if four and six:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameter ipv6CidrBlock cannot be used with the parameter cidrBlock",
        )
    if six:
        return str(parse_ipv6_block(six, "ipv6CidrBlock"))
    return str(parse_block(required(four, "cidrBlock")))


def _with_ports(entry: NetworkAclEntry, first: int | None, last: int | None) -> NetworkAclEntry:
    for value, name in ((first, "portRange.from"), (last, "portRange.to")):
        if value is None:
            raise ApiError("MissingParameter", f"The request must contain the parameter {name}")
    assert first is not None and last is not None
    if not 0 <= first <= last <= 65535:
        name = "TCP" if entry.protocol == _TCP else "UDP"
        raise ApiError("InvalidParameterValue", f"Invalid {name} port range ({first}:{last})")
    return replace(entry, from_port=first, to_port=last)


def _with_icmp(entry: NetworkAclEntry, kind: int | None, code: int | None) -> NetworkAclEntry:
    for value, name in ((kind, "type"), (code, "code")):
        if value is None:
            raise ApiError("MissingParameter", f"The request must contain the parameter icmpTypeCode.{name}")
        if not -1 <= value <= 255:
            raise ApiError("InvalidParameterValue", f"ICMP {name} ({value}) out of range")
    return replace(entry, icmp_type=kind, icmp_code=code)
