"""Actions of listeners and rules: from a request to what is stored, and back."""

import re
from collections.abc import Sequence
from typing import Any

from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import TARGET_GROUP, arn, id_in, invalid
from seawall.api.elbv2.quotas import GROUPS_PER_ACTION_OF_ALB, GROUPS_PER_ACTION_OF_NLB
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.listener import Action, FixedResponse, Redirect, WeightedGroup
from seawall.model.load_balancer import LoadBalancerType
from seawall.wire.errors import ApiError, NotImplementedHere

_CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
_UNSERVED = {
    "authenticate-oidc": "it does not authenticate users",
    "authenticate-cognito": "it does not authenticate users",
    "jwt-validation": "it does not validate tokens",
}
_CONFIGS = {
    "forward": ("TargetGroupArn", "ForwardConfig"),
    "redirect": ("RedirectConfig",),
    "fixed-response": ("FixedResponseConfig",),
}
REFUSED_ACTIONS = {
    "Actions.Type": "authenticate-oidc, authenticate-cognito and jwt-validation are not served",
}
_LONGEST_STICKINESS = 604800
_IN_A_BODY = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*")  # no answer of this API could tell of others
_IN_A_PLACE = re.compile(r"[^\x00-\x1f\x7f]*")  # of what is sent in the header Location
_HEAVIEST = 999


def read_actions(call: Call, given: Sequence[Params], type: LoadBalancerType) -> tuple[Action, ...]:
    """The action of a listener or rule.  There is one: those that could come before it are not served.

    Target groups are not looked up: `check_actions` does.
    Raises ApiError ValidationError, InvalidLoadBalancerAction, TooManyActions; NotImplementedHere.
    """
    if not given:
        raise invalid("At least one action must be specified")
    for action in given:
        if action["Type"] in _UNSERVED:
            raise NotImplementedHere(
                f"Actions.Type={action['Type']}: Seawall's load balancer answers, redirects and forwards;"
                f" {_UNSERVED[action['Type']]}. Nothing was changed."
            )
    if len(given) > 1:
        raise ApiError(
            "TooManyActions",
            "You've reached the limit on the number of actions per rule: exactly one of"
            " forward, redirect and fixed-response must be specified",
        )
    return (_action(call, given[0], type),)


def _action(call: Call, given: Params, type: LoadBalancerType) -> Action:
    kind = given["Type"]
    if type == "network" and kind != "forward":
        raise ApiError(
            "InvalidLoadBalancerAction",
            f"Action type '{kind}' is not supported for load balancers with type 'network'",
        )
    for other, members in _CONFIGS.items():
        if other != kind and any(given.get(member) is not None for member in members):
            raise invalid(f"'{members[-1]}' cannot be specified for an action with type '{kind}'")
    order = given.get("Order")
    match kind:
        case "forward":
            return _forward(call, given, type, order)
        case "redirect":
            return Action(type="redirect", order=order, redirect=_redirect(given.get("RedirectConfig")))
    response = _fixed_response(given.get("FixedResponseConfig"))
    return Action(type="fixed-response", order=order, fixed_response=response)


def _forward(call: Call, given: Params, type: LoadBalancerType, order: int | None) -> Action:
    single, config = given.get("TargetGroupArn"), given.get("ForwardConfig")
    tuples = (config.get("TargetGroups") if config is not None else None) or ()
    groups = tuple(_weighted(call, one, alone=len(tuples) == 1) for one in tuples)
    if single:
        id = id_in(call, TARGET_GROUP, single)
        if groups and [group.target_group_id for group in groups] != [id]:
            raise invalid(
                "If both TargetGroupArn and ForwardConfig are specified, ForwardConfig must have exactly the"
                " same target group"
            )
        groups = groups or (WeightedGroup(target_group_id=id),)
    if not groups:
        raise invalid("A target group ARN must be specified for an action with type 'forward'")
    most = GROUPS_PER_ACTION_OF_ALB if type == "application" else GROUPS_PER_ACTION_OF_NLB
    if len(groups) > most:
        raise invalid(
            f"Up to '{most}' target groups can be specified in an action, but '{len(groups)}' were specified"
        )
    if len({group.target_group_id for group in groups}) < len(groups):
        raise invalid("A target group cannot be specified more than once in an action")
    return Action(
        type="forward",
        order=order,
        target_groups=groups,
        stickiness_seconds=_stickiness(config, type),
        single=config is None,
    )


def _weighted(call: Call, given: Params, *, alone: bool) -> WeightedGroup:
    text = given.get("TargetGroupArn")
    if not text:
        raise invalid("A target group ARN must be specified for each target group of a forward action")
    weight = given.get("Weight")
    if weight is None and not alone:
        raise invalid("A weight must be specified for each target group of a forward action")
    weight = 1 if weight is None else weight
    if not 0 <= weight <= _HEAVIEST:
        raise invalid(f"Target group weight '{weight}' must be between '0' and '{_HEAVIEST}'")
    return WeightedGroup(target_group_id=id_in(call, TARGET_GROUP, text), weight=weight)


def _stickiness(config: Params | None, type: LoadBalancerType) -> int | None:
    given = config.get("TargetGroupStickinessConfig") if config is not None else None
    if given is None:
        return None
    seconds = given.get("DurationSeconds")
    if seconds is not None and not 1 <= seconds <= _LONGEST_STICKINESS:
        raise invalid(
            f"Target group stickiness duration '{seconds}' must be between '1' and '{_LONGEST_STICKINESS}'"
        )
    if not given.get("Enabled"):
        return None
    if type == "network":
        raise refused("Target group stickiness is not supported for load balancers with type 'network'")
    if seconds is None:
        raise invalid("A duration must be specified when target group stickiness is enabled")
    return int(seconds)


def _redirect(given: Params | None) -> Redirect:
    if given is None:
        raise invalid("A 'RedirectConfig' must be specified for an action with type 'redirect'")
    redirect = Redirect(
        protocol=_or(given.get("Protocol"), "#{protocol}"),
        port=_or(given.get("Port"), "#{port}"),
        host=_or(given.get("Host"), "#{host}"),
        path=_or(given.get("Path"), "/#{path}"),
        query=_or(given.get("Query"), "#{query}"),
        status_code=given["StatusCode"],
    )
    if not re.fullmatch(r"#\{port\}|[0-9]{1,5}", redirect.port) or (
        redirect.port.isdigit() and not 1 <= int(redirect.port) <= 65535
    ):
        raise invalid(f"Redirect port '{redirect.port}' must be '#{{port}}' or between '1' and '65535'")
    if not redirect.path.startswith("/"):
        raise invalid(f"Redirect path '{redirect.path}' must begin with '/'")
    for member in ("host", "path", "query"):
        if not _IN_A_PLACE.fullmatch(getattr(redirect, member)):
            raise invalid(
                f"Redirect {member} '{getattr(redirect, member)}' contains a character that is not valid"
            )
    kept = (redirect.protocol, redirect.port, redirect.host, redirect.path)  # another query loops as well
    if kept == ("#{protocol}", "#{port}", "#{host}", "/#{path}"):
        raise ApiError(
            "InvalidLoadBalancerAction",
            "The redirect configuration is not valid because it creates a loop.",
        )
    return redirect


def _or(given: str | None, default: str) -> str:
    return default if given is None else given


def _fixed_response(given: Params | None) -> FixedResponse:
    if given is None:
        raise invalid("A 'FixedResponseConfig' must be specified for an action with type 'fixed-response'")
    type, body = given.get("ContentType"), given.get("MessageBody")
    if type and type not in _CONTENT_TYPES:
        raise ApiError(
            "InvalidLoadBalancerAction",
            "The ContentType must be one of:'text/html', 'application/json', 'application/javascript',"
            " 'text/css', 'text/plain'",
        )
    if body and not _IN_A_BODY.fullmatch(body):
        raise invalid(f"Message body '{body}' contains a character that is not valid")
    return FixedResponse(
        status_code=given["StatusCode"], content_type=type or None, message_body=body or None
    )


def shown_action(call: Call, action: Action) -> dict[str, Any]:
    found: dict[str, Any] = {"Type": action.type}
    if action.order is not None:
        found["Order"] = action.order
    if action.redirect is not None:
        redirect = action.redirect
        found["RedirectConfig"] = {
            "Protocol": redirect.protocol,
            "Port": redirect.port,
            "Host": redirect.host,
            "Path": redirect.path,
            "Query": redirect.query,
            "StatusCode": redirect.status_code,
        }
    if action.fixed_response is not None:
        response = {
            "MessageBody": action.fixed_response.message_body,
            "StatusCode": action.fixed_response.status_code,
            "ContentType": action.fixed_response.content_type,
        }
        found["FixedResponseConfig"] = {key: value for key, value in response.items() if value is not None}
    if action.type == "forward":
        found |= _shown_forward(call, action)
    return found


def _shown_forward(call: Call, action: Action) -> dict[str, Any]:
    """One target group is told in both ways."""
    arns = [arn(call, TARGET_GROUP, group.target_group_id) for group in action.target_groups]
    stickiness: dict[str, Any] = {"Enabled": action.stickiness_seconds is not None}
    if action.stickiness_seconds is not None:
        stickiness["DurationSeconds"] = action.stickiness_seconds
    config = {
        "TargetGroups": [
            {"TargetGroupArn": text, "Weight": group.weight}
            for text, group in zip(arns, action.target_groups, strict=True)
        ],
        "TargetGroupStickinessConfig": stickiness,
    }
    return {"ForwardConfig": config} | ({"TargetGroupArn": arns[0]} if len(arns) == 1 else {})
