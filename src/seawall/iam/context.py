"""The condition keys that every request has.

Source: "AWS global condition context keys", IAM user guide.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from seawall.iam.standing import Standing


class EndpointOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """The VPC endpoint that a request came through."""

    id: str
    vpc_id: str
    source_ip: str | None  # the caller's address inside the VPC, where it is known
    policy: str  # JSON text


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request came from, apart from who signed it."""

    source_ip: str | None = None
    secure: bool = False
    user_agent: str | None = None
    referer: str | None = None
    endpoint: EndpointOrigin | None = None


Given = dict[str, tuple[str, ...]]


def put(context: Given, keys: Mapping[str, str | Sequence[str]]) -> None:
    """Add keys; a value alone is a list of one."""
    for key, value in keys.items():
        context[key.lower()] = (value,) if isinstance(value, str) else tuple(value)


def principal_keys(standing: Standing) -> dict[str, str]:
    """What is known of the caller."""
    kinds = {"root": "Account", "user": "User", "session": "AssumedRole", "service": "Service"}
    keys = {
        "aws:PrincipalArn": standing.principal_arn,
        "aws:PrincipalAccount": standing.caller.account,
        "aws:PrincipalType": kinds[standing.caller.kind],
        "aws:PrincipalIsAWSService": "false",
        "aws:userid": standing.user_id,
    }
    if standing.user_name is not None:
        keys["aws:username"] = standing.user_name
    if standing.issued is not None:
        keys["aws:TokenIssueTime"] = _iso(standing.issued)
        keys["aws:MultiFactorAuthPresent"] = "false"  # there are no devices
    if standing.source_identity is not None:
        keys["aws:SourceIdentity"] = standing.source_identity
    return keys | by_tag("aws:PrincipalTag", standing.tags)


def request_keys(origin: Origin, region: str, now: datetime) -> dict[str, str]:
    keys = {
        "aws:CurrentTime": _iso(now),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": region,
        "aws:SecureTransport": "true" if origin.secure else "false",
        "aws:ViaAWSService": "false",
    }
    if origin.user_agent is not None:
        keys["aws:UserAgent"] = origin.user_agent
    if origin.referer is not None:
        keys["aws:Referer"] = origin.referer
    if origin.endpoint is not None:  # aws:SourceIp says nothing about addresses inside a VPC
        keys["aws:SourceVpce"], keys["aws:SourceVpc"] = origin.endpoint.id, origin.endpoint.vpc_id
        if origin.endpoint.source_ip is not None:
            keys["aws:VpcSourceIp"] = origin.endpoint.source_ip
    elif origin.source_ip is not None:
        keys["aws:SourceIp"] = origin.source_ip
    return keys


def tag_keys(params: Mapping[str, Any]) -> dict[str, str | Sequence[str]]:
    """aws:RequestTag/KEY and aws:TagKeys, from the members in which operations take tags."""
    tags = request_tags(params)
    removed = params.get("TagKeys") or params.get("tagKeys") or ()
    names = [*tags, *(name for name in removed if isinstance(name, str))]
    keys: dict[str, str | Sequence[str]] = {**by_tag("aws:RequestTag", tags)}
    return {**keys, "aws:TagKeys": names} if names else keys


def by_tag(prefix: str, tags: Mapping[str, str]) -> dict[str, str]:
    """PREFIX/KEY of each tag.  Condition keys know no case: of tags whose keys differ in nothing else none
    counts, since either could hide the other ("a tag key named either TagKey1 or tagkey1, but not both").
    """
    alike = Counter(key.lower() for key in tags)
    return {f"{prefix}/{key}": text for key, text in tags.items() if alike[key.lower()] == 1}


def request_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a request gives, in whatever form: lists of Key and Value, or a map."""
    found: dict[str, str] = {}
    for specification in params.get("TagSpecifications") or ():
        found |= _tags(specification.get("Tags"))
    for name in ("Tags", "tags", "AddTags"):
        found |= _tags(params.get(name))
    return found


def _tags(given: Any) -> dict[str, str]:
    if isinstance(given, Mapping):
        return {key: str(value) for key, value in given.items()}
    listed: Iterable[Any] = given if isinstance(given, list) else ()
    tags: dict[str, str] = {}
    for tag in listed:
        if isinstance(tag, Mapping):
            key = tag.get("Key", tag.get("key", tag.get("TagKey")))
            if isinstance(key, str):
                tags[key] = str(tag.get("Value", tag.get("value", tag.get("TagValue", ""))))
    return tags


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
