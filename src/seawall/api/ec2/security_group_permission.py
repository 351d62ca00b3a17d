"""IpPermissions in requests, taken apart into rules; and the rules' own words for themselves."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_block, parse_ipv6_block
from seawall.api.ec2.lookup import look_up, required
from seawall.api.params import Params
from seawall.model.prefix_list import PrefixList
from seawall.model.resource import Ref
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_PEER_FIELDS = (
    "cidr_ipv4",
    "cidr_ipv6",
    "prefix_list_id",
    "referenced_group_id",
    "vpc_peering_connection_id",
)

Identity = tuple[Any, ...]


def rules_of_permissions(
    reader: Reader, group: SecurityGroup, is_egress: bool, permissions: list[Params], account: str
) -> list[SecurityGroupRule]:
    """One rule (without an id) for each peer of each permission.

    Raises ApiError InvalidParameterValue or MissingParameter, those of unknown groups and prefix lists, and
    InvalidParameterValue for the same rule twice.
    """
    rules: list[SecurityGroupRule] = []
    for permission in permissions:
        base = new_rule(
            group.id,
            is_egress,
            permission.get("IpProtocol"),
            permission.get("FromPort"),
            permission.get("ToPort"),
        )
        found = list(_rules_of_peers(reader, base, permission, account, group.vpc_id))
        if not found:
            raise ApiError("MissingParameter", "Source group ID missing.")
        rules += found
    if len({identity(rule) for rule in rules}) < len(rules):
        raise ApiError("InvalidParameterValue", "The same permission must not appear multiple times")
    return rules


def new_rule(
    group_id: str, is_egress: bool, protocol: str | None, from_port: int | None, to_port: int | None
) -> SecurityGroupRule:
    """A rule without id and peer, its protocol and ports checked and brought to the stored form."""
    name = _protocol(protocol)
    if name in ("tcp", "udp"):
        if from_port is None or to_port is None:
            raise ApiError(
                "InvalidParameterValue",
                "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
            )
        if not 0 <= from_port <= to_port <= 65535:
            raise ApiError(
                "InvalidParameterValue", f"Invalid {name.upper()} port range ({from_port}:{to_port})"
            )
    elif name in ("icmp", "icmpv6"):
        from_port = -1 if from_port is None else from_port
        to_port = -1 if to_port is None else to_port
        if not (-1 <= from_port <= 255 and -1 <= to_port <= 255):
            raise ApiError(
                "InvalidParameterValue", f"Invalid value '{from_port}:{to_port}' for ICMP type and code."
            )
    else:
        from_port = to_port = None
    return SecurityGroupRule(
        id="", group_id=group_id, is_egress=is_egress, protocol=name, from_port=from_port, to_port=to_port
    )


def with_cidr(rule: SecurityGroupRule, text: str) -> SecurityGroupRule:
    """`rule` for that IPv4 block, brought to the stored form."""
    try:
        return _with_peer(rule, cidr_ipv4=str(parse_block(text)))
    except ApiError as error:
        raise ApiError("InvalidParameterValue", f"CIDR block {text} is malformed") from error


def with_ipv6_cidr(rule: SecurityGroupRule, text: str) -> SecurityGroupRule:
    """`rule` for that IPv6 block, brought to the stored form."""
    try:
        return _with_peer(rule, cidr_ipv6=str(parse_ipv6_block(text, "cidrIpv6")))
    except ApiError as error:
        raise ApiError("InvalidParameterValue", f"CIDR block {text} is malformed") from error


def with_prefix_list(reader: Reader, rule: SecurityGroupRule, id: str) -> SecurityGroupRule:
    return _with_peer(rule, prefix_list_id=look_up(reader, PrefixList, id).id)


def with_group(
    reader: Reader, rule: SecurityGroupRule, vpc_id: str, group_id: str, peering_id: str | None = None
) -> SecurityGroupRule:
    """`rule` for the interfaces of that group: of the own VPC, or of one with an active peering to it.

    peering_id   the peering that the request names; None: any will do
    """
    peer = look_up(reader, SecurityGroup, group_id)
    if peer.vpc_id == vpc_id and not peering_id:
        return _with_peer(rule, referenced_group_id=peer.id)
    for peering in reader.referrers(VpcPeeringConnection, Ref("vpc", vpc_id)):
        if (
            peering.status == "active"
            and peering.other(vpc_id) == peer.vpc_id
            and peering_id in (None, peering.id)
        ):
            return _with_peer(rule, referenced_group_id=peer.id, vpc_peering_connection_id=peering.id)
    raise ApiError(
        "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."
    )


def _with_peer(rule: SecurityGroupRule, **peer: str) -> SecurityGroupRule:
    return replace(rule, **(dict.fromkeys(_PEER_FIELDS) | peer))


def described(rule: SecurityGroupRule, description: str | None) -> SecurityGroupRule:
    """`rule` with that description.  Raises ApiError InvalidParameterValue for characters EC2 refuses."""
    if description is not None and not _DESCRIPTION.fullmatch(description):
        raise ApiError(
            "InvalidParameterValue",
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the"
            " following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )
    return replace(rule, description=description or None)


def identity(rule: SecurityGroupRule) -> Identity:
    """What makes two rules the same rule; the description does not count."""
    peer = (rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id, rule.referenced_group_id)
    return (rule.group_id, rule.is_egress, rule.protocol, rule.from_port, rule.to_port, *peer)


def peer_text(rule: SecurityGroupRule) -> str:
    """A rule as EC2 names it in errors: `peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW`."""
    peer = rule.cidr_ipv4 or rule.cidr_ipv6 or rule.prefix_list_id or rule.referenced_group_id
    protocol = "ALL" if rule.protocol == "-1" else rule.protocol.upper()
    if rule.from_port is None:
        return f"peer: {peer}, {protocol}, ALLOW"
    if rule.protocol in ("icmp", "icmpv6"):
        kind = "ALL" if rule.from_port == -1 else rule.from_port
        code = "ALL" if rule.to_port == -1 else rule.to_port
        return f"peer: {peer}, {protocol}, type: {kind}, code: {code}, ALLOW"
    return f"peer: {peer}, {protocol}, from port: {rule.from_port}, to port: {rule.to_port}, ALLOW"


def _rules_of_peers(
    reader: Reader, base: SecurityGroupRule, permission: Params, account: str, vpc_id: str
) -> Iterator[SecurityGroupRule]:
    for block in permission.get("IpRanges") or ():
        yield described(with_cidr(base, block.get("CidrIp") or ""), block.get("Description"))
    for block in permission.get("Ipv6Ranges") or ():
        yield described(with_ipv6_cidr(base, block.get("CidrIpv6") or ""), block.get("Description"))
    for item in permission.get("PrefixListIds") or ():
        rule = with_prefix_list(reader, base, required(item.get("PrefixListId"), "prefixListId"))
        yield described(rule, item.get("Description"))
    for pair in permission.get("UserIdGroupPairs") or ():
        rule = with_group(reader, base, vpc_id, *_group_of_pair(reader, pair, account, vpc_id))
        yield described(rule, pair.get("Description"))


def _group_of_pair(reader: Reader, pair: Params, account: str, vpc_id: str) -> tuple[str, str | None]:
    """The group's id and the peering the pair names, if any."""
    user, vpc = pair.get("UserId"), pair.get("VpcId")
    group_id = pair.get("GroupId") or _group_id(reader, pair.get("GroupName"), vpc or vpc_id)
    found = reader.find(SecurityGroup, group_id)
    if (user and user != account) or (vpc and found and found.vpc_id != vpc):
        raise ApiError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
    pair.get("PeeringStatus")  # answers carry it; a request that repeats an answer does too
    return group_id, pair.get("VpcPeeringConnectionId")


def _group_id(reader: Reader, name: str | None, vpc_id: str) -> str:
    for group in reader.all(SecurityGroup):
        if group.vpc_id == vpc_id and group.name == name:
            return group.id
    raise ApiError("InvalidGroup.NotFound", f"The security group '{name}' does not exist")


def _protocol(text: str | None) -> str:
    if text is None:
        raise ApiError(
            "InvalidParameterValue",
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.",
        )
    name = _NUMBERS.get(text, text.lower())
    if name in ("tcp", "udp", "icmp", "icmpv6", "-1"):
        return name
    if name == "all":
        return "-1"
    if re.fullmatch(r"\d{1,3}", name) and int(name) <= 255:
        return str(int(name))
    raise ApiError("InvalidParameterValue", f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def shown_permissions(reader: Reader, rules: list[SecurityGroupRule], account: str) -> list[dict[str, Any]]:
    """Rules as IpPermissions: one for each protocol and port range, with all its peers."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for rule in rules:
        key = (rule.protocol, rule.from_port, rule.to_port)
        permission = found.setdefault(key, _empty_permission(rule))
        note = {"Description": rule.description} if rule.description else {}
        if rule.cidr_ipv4:
            permission["IpRanges"].append({"CidrIp": rule.cidr_ipv4} | note)
        elif rule.cidr_ipv6:
            permission["Ipv6Ranges"].append({"CidrIpv6": rule.cidr_ipv6} | note)
        elif rule.prefix_list_id:
            permission["PrefixListIds"].append({"PrefixListId": rule.prefix_list_id} | note)
        else:
            permission["UserIdGroupPairs"].append(shown_group(reader, rule, account) | note)
    return list(found.values())


def shown_group(reader: Reader, rule: SecurityGroupRule, account: str) -> dict[str, Any]:
    """The group that a rule names; for one of a peered VPC also over which peering."""
    shown = {"GroupId": rule.referenced_group_id, "UserId": account}
    if not rule.vpc_peering_connection_id:
        return shown
    peering = reader.find(VpcPeeringConnection, rule.vpc_peering_connection_id)
    group = reader.get(SecurityGroup, rule.group_id)
    return shown | {
        "VpcPeeringConnectionId": rule.vpc_peering_connection_id,
        "PeeringStatus": peering.status if peering else "deleted",
        **({"VpcId": peering.other(group.vpc_id)} if peering else {}),
    }


def _empty_permission(rule: SecurityGroupRule) -> dict[str, Any]:
    ports = {} if rule.from_port is None else {"FromPort": rule.from_port, "ToPort": rule.to_port}
    return {
        "IpProtocol": rule.protocol,
        **ports,
        "IpRanges": [],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }
