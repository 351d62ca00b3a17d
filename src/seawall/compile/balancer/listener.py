"""One listener of an application load balancer as a frontend of the engine.

Sources: Application Load Balancers user guide, "Listeners", "Load balancer attributes", "Troubleshoot"
(limits of requests, codes of the load balancer's own answers).
"""

from collections.abc import Sequence

from seawall.compile.balancer.actions import DEFAULT, answer_lines, forward_lines, is_plain
from seawall.compile.balancer.conditions import rule_conditions
from seawall.compile.balancer.headers import (
    FORWARDERS,
    connection_age,
    dropped_headers,
    request_headers,
    response_headers,
)
from seawall.compile.balancer.log_line import remembered, remembered_last
from seawall.compile.balancer.pages import refusal
from seawall.compile.balancer.text import frontend_name, word
from seawall.compile.balancer.tls import bind_options
from seawall.model.listener import Action, Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer

LONGEST_LINE = 16 * 1024  # of a request, and of one of its headers
LONGEST_HEADERS = 64 * 1024
MOST_FORWARDERS = 30
_LONG = r"[^\r\n]{" + str(LONGEST_LINE + 1) + "}"


def final_action(actions: Sequence[Action]) -> Action:
    """What a rule does in the end; all that Seawall has are of that sort."""
    return sorted(actions, key=lambda action: action.order or 0)[-1]


def frontend(
    balancer: LoadBalancer,
    listener: Listener,
    rules: Sequence[ListenerRule],
    addresses: Sequence[str],
) -> list[str]:
    """`addresses`: those of the node.  `rules`: without the default one."""
    ordered = sorted(rules, key=lambda rule: rule.priority)
    decisions = {rule.priority: final_action(rule.actions) for rule in ordered}
    decisions[DEFAULT] = final_action(listener.default_actions)
    options = bind_options(listener, balancer.attributes)
    return [
        f"frontend {frontend_name(listener.id)}",
        *(f"  bind {address}:{listener.port} {options}" for address in addresses),
        *(f"  {line}" for line in connection_age(balancer.attributes)),
        *(f"  {line}" for line in _limits()),
        *(f"  {line}" for line in remembered(balancer.attributes)),
        *(f"  {line}" for line in dropped_headers(balancer.attributes)),
        *(f"  {line}" for line in _choice(ordered, decisions[DEFAULT])),
        *(f"  {line}" for line in answer_lines(listener, decisions, balancer.attributes)),
        *(f"  {line}" for line in request_headers(listener, balancer.attributes)),
        *(f"  {line}" for line in remembered_last(balancer.attributes)),
        *(f"  {line}" for line in response_headers(listener)),
        *(f"  {line}" for line in forward_lines(listener, decisions)),
    ]


def _limits() -> list[str]:
    """What is refused before any rule is asked.  Two acls of one name hold if one of them does."""
    return [
        "http-request set-var(txn.began) date(0,us)",
        f"acl long_line url,length gt {LONGEST_LINE}",
        f"acl long_headers req.hdrs,length gt {LONGEST_LINE}",
        f"acl too_long req.hdrs,length gt {LONGEST_HEADERS}",
        f"acl too_long req.hdrs -m reg {word(_LONG)}",
        f"acl forwarded {FORWARDERS} gt 0",
        f"acl many_forwarders req.hdr_cnt(x-forwarded-for) gt {MOST_FORWARDERS}",
        "acl known_version req.ver -m str 1.0 1.1 2.0",
        refusal(414, "long_line"),
        refusal(400, "long_headers too_long"),
        refusal(463, "forwarded many_forwarders"),
        refusal(405, "METH_TRACE"),
        refusal(505, "!known_version"),
    ]


def _choice(rules: Sequence[ListenerRule], default: Action) -> list[str]:
    """The priority of the first rule whose conditions hold, in txn.rule; nothing in it for the default one,
    if that is plain."""
    by_host = any(condition.field == "host-header" for rule in rules for condition in rule.conditions)
    lines = ["http-request set-var(txn.host) req.hdr(host),host_only"] if by_host else []
    lines.append("acl ruled var(txn.rule) -m found")
    for rule in rules:
        named, names = rule_conditions(rule.priority, rule.conditions)
        lines += named
        lines.append(f"http-request set-var(txn.rule) int({rule.priority}) if !ruled {' '.join(names)}")
    if not is_plain(default):
        lines.append(f"http-request set-var(txn.rule) int({DEFAULT}) if !ruled")
    return lines
