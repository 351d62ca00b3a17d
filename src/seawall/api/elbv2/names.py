"""ARNs of Elastic Load Balancing, and from an ARN in a request to the document.

A resource's id in the store is the end of its ARN: app/NAME/ID16, NAME/ID16 for target groups.
"""

import re
import secrets
from typing import NamedTuple

from seawall.api.registry import Call
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import TargetGroup
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


class Kind(NamedTuple):
    """How the service speaks of one kind of resource.

    path     what stands before the id in its ARN
    pattern  of the id
    """

    path: str
    words: str
    pattern: str
    missing_code: str


_LOAD_BALANCER_ID = r"(?:app|net)/[A-Za-z0-9-]+/[0-9a-f]{16}"
LOAD_BALANCER = Kind("loadbalancer", "load balancer", _LOAD_BALANCER_ID, "LoadBalancerNotFound")
LISTENER = Kind("listener", "listener", rf"{_LOAD_BALANCER_ID}/[0-9a-f]{{16}}", "ListenerNotFound")
RULE = Kind("listener-rule", "listener rule", rf"{_LOAD_BALANCER_ID}(?:/[0-9a-f]{{16}}){{2}}", "RuleNotFound")
TARGET_GROUP = Kind("targetgroup", "target group", r"[A-Za-z0-9-]+/[0-9a-f]{16}", "TargetGroupNotFound")


def new_id() -> str:
    """The 16 hex digits at the end of every ARN."""
    return secrets.token_hex(8)


def arn(call: Call, kind: Kind, id: str) -> str:
    return call.arn(f"{kind.path}/{id}", service="elasticloadbalancing")


def invalid(text: str) -> ApiError:
    return ApiError("ValidationError", text)


def id_in(call: Call, kind: Kind, text: str) -> str:
    """The id in an ARN.  Raises ApiError: ValidationError for what is no ARN of that kind, and the kind's own
    "not found" for one of another account or region."""
    found = re.fullmatch(
        rf"arn:[\w-]+:elasticloadbalancing:([\w-]*):(\d*):{kind.path}/({kind.pattern})", text
    )
    if found is None:
        raise invalid(f"'{text}' is not a valid {kind.words} ARN")
    if arn(call, kind, found[3]) != text:
        raise missing(kind)
    return found[3]


def missing(kind: Kind) -> ApiError:
    words = "rules" if kind is RULE else f"{kind.words}s"
    return ApiError(kind.missing_code, f"One or more {words} not found")


def find_load_balancer(call: Call, reader: Reader, text: str) -> LoadBalancer:
    """Raises ApiError LoadBalancerNotFound, also for one that is being deleted."""
    found = reader.find(LoadBalancer, id_in(call, LOAD_BALANCER, text))
    if found is None or found.deleting:
        raise missing(LOAD_BALANCER)
    return found


def find_listener(call: Call, reader: Reader, text: str) -> Listener:
    """Raises ApiError ListenerNotFound."""
    found = reader.find(Listener, id_in(call, LISTENER, text))
    if found is None:
        raise missing(LISTENER)
    return found


def find_target_group(call: Call, reader: Reader, text: str) -> TargetGroup:
    """Raises ApiError TargetGroupNotFound."""
    found = reader.find(TargetGroup, id_in(call, TARGET_GROUP, text))
    if found is None:
        raise missing(TARGET_GROUP)
    return found


def check_balancer_name(name: str) -> None:
    """Refuse a name that no load balancer can have.  Raises ApiError ValidationError."""
    said = f"The load balancer name '{name}'"
    _check_characters(name, said, "and")
    for at, text in (("begin", name[0]), ("end", name[-1])):
        if text == "-":
            raise invalid(f"{said} cannot {at} with a hyphen(-)")
    if name.lower().startswith("internal-"):
        raise invalid(f"{said} cannot begin with 'internal-'")


def check_group_name(name: str) -> None:
    """Refuse a name that no target group can have.  Raises ApiError ValidationError."""
    said = f"Target group name '{name}'"
    _check_characters(name, said, "or")
    if name.startswith("-") or name.endswith("-"):
        raise invalid(f"{said} cannot begin or end with '-'")


def _check_characters(name: str, said: str, conjunction: str) -> None:
    if len(name) > 32:
        raise invalid(f"{said} cannot be longer than '32' characters")
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise invalid(
            f"{said} can only contain characters that are alphanumeric characters {conjunction} hyphens(-)"
        )


def load_balancers_of(reader: Reader, group: TargetGroup) -> list[str]:
    """The ids of the load balancers that send requests to a target group: none or one."""
    listeners = {listener.id: listener for listener in reader.referrers(Listener, group.ref)}
    for rule in reader.referrers(ListenerRule, group.ref):
        listeners[rule.listener_id] = reader.get(Listener, rule.listener_id)
    return sorted({listener.load_balancer_id for listener in listeners.values()})
