"""IpPermissions in requests, taken apart into rules; and the rules' own words for themselves."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Network, NetmaskValueError
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.cidr import parse_block
from seawall.api.ec2.lookup import look_up
from seawall.api.ec2.refusal import not_served
from seawall.api.params import Params
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")

Identity = tuple[Any, ...]


def rules_of_permissions(
    reader: Reader, group: SecurityGroup, is_egress: bool, permissions: list[Params], account: str
) -> list[SecurityGroupRule]:
    """One rule (without an id) for each peer of each permission.

    Raises ApiError InvalidParameterValue or MissingParameter, InvalidGroup.NotFound, NotImplemented (prefix
    lists), and InvalidParameterValue for the same rule twice.
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


def with_peer(
    reader: Reader,
    rule: SecurityGroupRule,
    vpc_id: str,
    *,
    cidr_ipv4: str | None = None,
    cidr_ipv6: str | None = None,
    group_id: str | None = None,
) -> SecurityGroupRule:
    """`rule` with that one peer, looked up and brought to the stored form."""
    if cidr_ipv4 is not None:
        return replace(rule, cidr_ipv4=_block(cidr_ipv4), cidr_ipv6=None, referenced_group_id=None)
    if cidr_ipv6 is not None:
        return replace(rule, cidr_ipv4=None, cidr_ipv6=_block_v6(cidr_ipv6), referenced_group_id=None)
    peer = look_up(reader, SecurityGroup, group_id or "")
    if peer.vpc_id != vpc_id:
        raise ApiError(
            "InvalidGroup.NotFound",
            "You have specified two resources that belong to different networks.",
        )
    return replace(rule, cidr_ipv4=None, cidr_ipv6=None, referenced_group_id=peer.id)


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
    peer = (rule.cidr_ipv4, rule.cidr_ipv6, rule.referenced_group_id)
    return (rule.group_id, rule.is_egress, rule.protocol, rule.from_port, rule.to_port, *peer)


def peer_text(rule: SecurityGroupRule) -> str:
    """A rule as EC2 names it in errors: `peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW`."""
    peer = rule.cidr_ipv4 or rule.cidr_ipv6 or rule.referenced_group_id
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
    if permission.get("PrefixListIds"):
        not_served("PrefixListIds")
    for block in permission.get("IpRanges") or ():
        rule = with_peer(reader, base, vpc_id, cidr_ipv4=block.get("CidrIp") or "")
        yield described(rule, block.get("Description"))
    for block in permission.get("Ipv6Ranges") or ():
        rule = with_peer(reader, base, vpc_id, cidr_ipv6=block.get("CidrIpv6") or "")
        yield described(rule, block.get("Description"))
    for pair in permission.get("UserIdGroupPairs") or ():
        user = pair.get("UserId")
        if user and user != account:
            raise ApiError(
                "InvalidGroup.NotFound", f"The security group '{pair.get('GroupId')}' does not exist"
            )
        pair.get("VpcId")  # only tells apart the groups of peered VPCs, which do not exist
        group_id = pair.get("GroupId") or _group_id(reader, pair.get("GroupName"), vpc_id)
        yield described(with_peer(reader, base, vpc_id, group_id=group_id), pair.get("Description"))


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


def _block(text: str) -> str:
    try:
        return str(parse_block(text))
    except ApiError as error:
        raise ApiError("InvalidParameterValue", f"CIDR block {text} is malformed") from error


def _block_v6(text: str) -> str:
    try:
        return str(IPv6Network(text, strict=False))
    except (AddressValueError, NetmaskValueError) as error:
        raise ApiError("InvalidParameterValue", f"CIDR block {text} is malformed") from error


def shown_permissions(rules: list[SecurityGroupRule], account: str) -> list[dict[str, Any]]:
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
        else:
            pair = {"GroupId": rule.referenced_group_id, "UserId": account}
            permission["UserIdGroupPairs"].append(pair | note)
    return list(found.values())


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
