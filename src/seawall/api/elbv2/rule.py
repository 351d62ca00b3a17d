"""Rules of listeners: which requests get which action, by priority; the listener's own comes last."""

from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.action import REFUSED_ACTIONS, read_actions, shown_action
from seawall.api.elbv2.action_rules import check_actions
from seawall.api.elbv2.condition import REFUSED_CONDITIONS, read_conditions, shown_condition
from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import RULE, arn, find_listener, id_in, invalid, missing, new_id
from seawall.api.elbv2.paging import paged
from seawall.api.elbv2.quotas import RULES_PER_ALB, check_quota
from seawall.api.elbv2.tagging import checked_tags
from seawall.api.elbv2.target_quotas import check_target_quotas
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

_REFUSED = REFUSED_ACTIONS | REFUSED_CONDITIONS | {"Transforms": "requests are not rewritten"}


@operation("elbv2", "CreateRule", refused=_REFUSED)
def create_rule(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        listener = find_listener(call, txn, params["ListenerArn"])
        balancer = _application(txn, listener)
        _refuse_transforms(params)
        rule = ListenerRule(
            id=f"{listener.id}/{new_id()}",
            listener_id=listener.id,
            priority=params["Priority"],
            conditions=read_conditions(params["Conditions"]),
            actions=read_actions(call, params["Actions"], balancer.type),
            tags=checked_tags(params.get("Tags")),
        )
        known = _at(txn, listener, rule.priority)
        if known is None:
            check_actions(call, txn, balancer, listener.protocol, rule.actions)
            _check_quota(txn, balancer)
            txn.put(rule, expect=0)
            check_target_quotas(txn, balancer)
        elif (known.conditions, known.actions, known.tags) == (rule.conditions, rule.actions, rule.tags):
            rule = known
        else:
            raise _in_use(rule.priority)
    return {"Rules": [_shown(call, rule)]}


def _application(reader: Reader, listener: Listener) -> LoadBalancer:
    """The listener's load balancer.  Raises ApiError for one that has no rules: network load balancers have
    them only when they have addresses of both families."""
    balancer = reader.get(LoadBalancer, listener.load_balancer_id)
    if balancer.type != "application":
        raise refused(
            "Rules are only supported for listeners of Application Load Balancers and of dual-stack Network"
            " Load Balancers"
        )
    return balancer


def _at(reader: Reader, listener: Listener, priority: int) -> ListenerRule | None:
    rules = reader.referrers(ListenerRule, listener.ref)
    return next((rule for rule in rules if rule.priority == priority), None)


def _in_use(priority: int) -> ApiError:
    return ApiError("PriorityInUse", f"Priority '{priority}' is currently in use")


def _check_quota(txn: Transaction, balancer: LoadBalancer) -> None:
    listeners = txn.referrers(Listener, balancer.ref)
    count = sum(len(txn.referrers(ListenerRule, listener.ref)) for listener in listeners) + 1
    text = "You've reached the limit on the number of rules per load balancer"
    check_quota(txn, count, RULES_PER_ALB, "TooManyRules", text)


def _refuse_transforms(params: Params) -> None:
    if params.get("Transforms"):
        raise NotImplementedHere("Transforms: Seawall's load balancers do not rewrite requests.")


@operation("elbv2", "DescribeRules")
def describe_rules(call: Call, params: Params) -> dict[str, Any]:
    listener_arn, arns = params.get("ListenerArn"), params.get("RuleArns")
    if not listener_arn and not arns:
        raise invalid("You must specify either listener rule ARNs or a listener ARN")
    if listener_arn and arns:
        raise invalid("Listener rule ARNs and a listener ARN cannot be specified at the same time")
    if listener_arn:
        listener = find_listener(call, call.store, listener_arn)
        rules: list[ListenerRule | Listener] = [*call.store.referrers(ListenerRule, listener.ref), listener]
    else:
        ids = dict.fromkeys(id_in(call, RULE, one) for one in arns)
        rules = [_find(call.store, id) for id in ids]
    return paged(params, "Rules", rules, _order, lambda rule: _shown(call, rule))


def _order(rule: ListenerRule | Listener) -> str:
    """By priority, the default rule last."""
    if isinstance(rule, Listener):
        return f"~{rule.default_rule_id}"
    return f"{rule.priority:05} {rule.id}"


def _find(reader: Reader, id: str) -> ListenerRule | Listener:
    """A rule; the listener when it is its default one.  Raises ApiError RuleNotFound."""
    rule = reader.find(ListenerRule, id)
    if rule is not None:
        return rule
    listener = reader.find(Listener, id.rpartition("/")[0])
    if listener is not None and listener.default_rule_id == id:
        return listener
    raise missing(RULE)


def find_rule(call: Call, reader: Reader, text: str) -> ListenerRule | Listener:
    """The rule of an ARN; the listener when it is its default one.  Raises ApiError RuleNotFound."""
    return _find(reader, id_in(call, RULE, text))


@operation(
    "elbv2", "ModifyRule", refused=_REFUSED, stored={"ResetTransforms": "rules have no transforms to remove"}
)
def modify_rule(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        rule = find_rule(call, txn, params["RuleArn"])
        _refuse_transforms(params)
        conditions, actions = params.get("Conditions"), params.get("Actions")
        if not conditions and not actions:
            raise invalid("Either conditions or actions must be specified")
        if isinstance(rule, Listener):
            raise ApiError("OperationNotPermitted", f"Default rule '{params['RuleArn']}' cannot be modified")
        listener = txn.get(Listener, rule.listener_id)
        balancer = txn.get(LoadBalancer, listener.load_balancer_id)
        if conditions:
            rule = replace(rule, conditions=read_conditions(conditions))
        if actions:
            rule = replace(rule, actions=read_actions(call, actions, balancer.type))
            check_actions(call, txn, balancer, listener.protocol, rule.actions)
        txn.put(rule)
        check_target_quotas(txn, balancer)
    return {"Rules": [_shown(call, rule)]}


@operation("elbv2", "DeleteRule")
def delete_rule(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        rule = find_rule(call, txn, params["RuleArn"])
        if isinstance(rule, Listener):
            raise ApiError("OperationNotPermitted", f"Default rule '{params['RuleArn']}' cannot be deleted")
        txn.delete(ListenerRule, rule.id)
    return {}


@operation("elbv2", "SetRulePriorities")
def set_rule_priorities(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        wanted: dict[str, int] = {}
        for pair in params["RulePriorities"]:
            text, priority = pair.get("RuleArn"), pair.get("Priority")
            if not text or priority is None:
                raise invalid("A rule ARN and a priority must be specified for each rule")
            if priority in wanted.values():
                raise invalid(f"Priority '{priority}' was provided multiple times")
            wanted[id_in(call, RULE, text)] = priority
        rules = [_movable(call, txn, id) for id in wanted]
        if len({rule.listener_id for rule in rules}) > 1:
            raise invalid("All rules must belong to the same listener")
        moved = [replace(rule, priority=wanted[rule.id]) for rule in rules]
        for rule in moved:
            other = _at(txn, txn.get(Listener, rule.listener_id), rule.priority)
            if other is not None and other.id not in wanted:
                raise _in_use(rule.priority)
        for rule in moved:
            txn.put(rule)
    return {"Rules": [_shown(call, rule) for rule in moved]}


def _movable(call: Call, txn: Transaction, id: str) -> ListenerRule:
    rule = _find(txn, id)
    if isinstance(rule, Listener):
        raise ApiError(
            "OperationNotPermitted", f"Default rule '{arn(call, RULE, id)}' cannot have its priority changed"
        )
    return rule


def _shown(call: Call, rule: ListenerRule | Listener) -> dict[str, Any]:
    if isinstance(rule, Listener):
        return {
            "RuleArn": arn(call, RULE, rule.default_rule_id),
            "Priority": "default",
            "Conditions": [],
            "Actions": [shown_action(call, action) for action in rule.default_actions],
            "IsDefault": True,
        }
    return {
        "RuleArn": arn(call, RULE, rule.id),
        "Priority": str(rule.priority),
        "Conditions": [shown_condition(condition) for condition in rule.conditions],
        "Actions": [shown_action(call, action) for action in rule.actions],
        "IsDefault": False,
    }
