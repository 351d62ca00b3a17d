"""Tags as calls of their own, for every kind of resource."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.names import (
    LISTENER,
    LOAD_BALANCER,
    RULE,
    TARGET_GROUP,
    Kind,
    find_listener,
    find_load_balancer,
    find_target_group,
    invalid,
)
from seawall.api.elbv2.rule import find_rule
from seawall.api.elbv2.tagging import checked_tags, tag_list
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import TargetGroup
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

Tagged = LoadBalancer | TargetGroup | Listener | ListenerRule
_MOST_AT_ONCE = 20


def _find_rule(call: Call, reader: Reader, text: str) -> ListenerRule:
    rule = find_rule(call, reader, text)
    if isinstance(rule, Listener):
        raise ApiError("OperationNotPermitted", f"Default rule '{text}' cannot be tagged")
    return rule


_FINDERS: Mapping[Kind, Callable[[Call, Reader, str], Tagged]] = {
    LOAD_BALANCER: find_load_balancer,
    TARGET_GROUP: find_target_group,
    LISTENER: find_listener,
    RULE: _find_rule,
}


def _find(call: Call, reader: Reader, text: str) -> Tagged:
    """Raises ApiError ValidationError, and that of the kind's own when there is none."""
    for kind, finder in _FINDERS.items():
        if f":{kind.path}/" in text:
            return finder(call, reader, text)
    raise invalid(f"'{text}' is not a valid resource ARN")


@operation("elbv2", "AddTags")
def add_tags(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        for text in params["ResourceArns"]:
            resource = _find(call, txn, text)
            txn.put(replace(resource, tags=checked_tags(params["Tags"], resource.tags)))
    return {}


@operation("elbv2", "RemoveTags")
def remove_tags(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        gone = set(params["TagKeys"])
        for text in params["ResourceArns"]:
            resource = _find(call, txn, text)
            kept = {key: value for key, value in resource.tags.items() if key not in gone}
            txn.put(replace(resource, tags=kept))
    return {}


@operation("elbv2", "DescribeTags")
def describe_tags(call: Call, params: Params) -> dict[str, Any]:
    arns = params["ResourceArns"]
    if len(arns) > _MOST_AT_ONCE:
        raise invalid(f"Up to '{_MOST_AT_ONCE}' resources can be specified, but '{len(arns)}' were specified")
    return {"TagDescriptions": [_description(call, text) for text in arns]}


def _description(call: Call, text: str) -> dict[str, Any]:
    """Default rules have no tags."""
    if f":{RULE.path}/" in text and isinstance(find_rule(call, call.store, text), Listener):
        return {"ResourceArn": text, "Tags": []}
    return {"ResourceArn": text, "Tags": tag_list(_find(call, call.store, text).tags)}
