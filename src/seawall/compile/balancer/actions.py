"""What rules do with requests: answer them, or choose a target group.

The variable txn.rule is the priority of the rule that applies.
Sources: Application Load Balancers user guide, "Rule action types" and "Sticky sessions"; API reference of
RedirectActionConfig.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from seawall.compile.balancer.headers import BARE_HOST
from seawall.compile.balancer.log_line import passed_over
from seawall.compile.balancer.pages import SERVER, page, refusal, title
from seawall.compile.balancer.stickiness import fresh, group_cookies, group_token, read_cookie
from seawall.compile.balancer.text import literal, one_of, pool_name, word
from seawall.model.listener import Action, FixedResponse, Listener, Redirect, WeightedGroup

_VARIABLE = re.compile(r"#\{(protocol|host|port|path|query)\}")
DEFAULT = 0  # the priority that logs give the default rule
_STATUS = {"HTTP_301": 301, "HTTP_302": 302}


def answer_lines(
    listener: Listener, decisions: Mapping[int, Action], attributes: Mapping[str, str]
) -> list[str]:
    """Redirects and fixed responses.

    decisions    what the rule of each priority does
    attributes   of the load balancer
    """
    lines = []
    answered = [priority for priority, action in decisions.items() if action.type != "forward"]
    for applies in one_of("txn.rule", answered):
        lines += passed_over(attributes, applies)
    for priority, action in decisions.items():
        applies = one_of("txn.rule", [priority])[0]
        if action.redirect is not None:
            lines += _redirect(listener, action.redirect, applies)
        elif action.fixed_response is not None:
            lines.append(_fixed_response(action.fixed_response, applies))
    return lines


def _fixed_response(response: FixedResponse, applies: str) -> str:
    content = ""
    if response.message_body:
        content_type = f"{response.content_type or 'text/plain'}; charset=utf-8"
        content = f"content-type {word(content_type)} string {word(response.message_body)} "
    return f"http-request return status {response.status_code} {content}hdr Server {SERVER} if {applies}"


def _redirect(listener: Listener, redirect: Redirect, applies: str) -> list[str]:
    """The port is always named, as AWS does; a query only if there is one."""
    values = {
        "protocol": listener.protocol.lower(),
        "host": f"%[{BARE_HOST}]",
        "port": str(listener.port),
        "path": "%[path,bytes(1)]",
        "query": "%[query]",
    }

    def filled(template: str) -> str:
        parts, end = [], 0
        for found in _VARIABLE.finditer(template):
            parts += [literal(template[end : found.start()]), values[found[1]]]
            end = found.end()
        return "".join([*parts, literal(template[end:])])

    scheme = redirect.protocol.lower()
    place = f"{filled(scheme)}://{filled(redirect.host)}:{filled(redirect.port)}{filled(redirect.path)}"
    status = _STATUS[redirect.status_code]
    lines = [f"http-request set-var-fmt(txn.location) {word(place)} if {applies}"]
    if redirect.query:
        query = filled(redirect.query)
        lines.append(f"http-request set-var-fmt(txn.query) {word(query)} if {applies}")
        longer = word(f"%[var(txn.location)]?{query}")
        asked = "{ var(txn.query) -m len gt 0 }"
        lines.append(f"http-request set-var-fmt(txn.location) {longer} if {applies} {asked}")
    body = word(page(title(status)))
    lines.append(
        f"http-request return status {status} content-type text/html string {body} "
        f"hdr Server {SERVER} hdr Location '%[var(txn.location)]' if {applies}"
    )
    return lines


def forward_lines(listener: Listener, decisions: Mapping[int, Action]) -> list[str]:
    """To the one target group of a rule, or to one of several by their weights."""
    single: dict[str, list[int]] = {}
    asked: list[str] = []
    used: list[str] = []
    for priority, action in decisions.items():
        if action.type != "forward" or (priority == DEFAULT and is_plain(action)):
            continue
        applies = one_of("txn.rule", [priority])[0]
        groups = _receiving(action)
        if not groups:
            asked.append(refusal(503, applies))  # as if there were no targets
        elif len(groups) == 1 and action.stickiness_seconds is None:
            single.setdefault(pool_name(groups[0].target_group_id), []).append(priority)
        else:
            if action.stickiness_seconds is not None:
                asked += _group_cookies(listener, groups, applies)
                used += _kept(listener, groups, applies, action.stickiness_seconds)
            used += shares(groups, applies)
    for pool, priorities in single.items():
        used += [f"use_backend {pool} if {applies}" for applies in one_of("txn.rule", priorities)]
    if is_plain(decisions[DEFAULT]):
        used += shares(_receiving(decisions[DEFAULT]))
    if any(action.stickiness_seconds is not None for action in decisions.values()):
        asked = [*read_cookie("kept", "AWSALBTG", "AWSALBTGCORS"), *asked]
    return asked + used


def is_plain(action: Action) -> bool:
    """It forwards to one target group, whatever the request."""
    return action.type == "forward" and action.stickiness_seconds is None and len(_receiving(action)) == 1


def _receiving(action: Action) -> list[WeightedGroup]:
    """A group of weight 0 gets nothing, unless nothing else could."""
    if action.single or len(action.target_groups) == 1:
        return list(action.target_groups)
    return [group for group in action.target_groups if group.weight]


def shares(groups: Sequence[WeightedGroup], applies: str = "") -> Iterable[str]:
    """One after the other is chosen with the share it has of what those before it left.

    applies   a condition for all of them
    """
    rest = sum(group.weight for group in groups)
    for group in groups[:-1]:
        share = f"{{ rand({rest}) lt {group.weight} }}"
        yield f"use_backend {pool_name(group.target_group_id)} if {applies} {share}"
        rest -= group.weight
    last = pool_name(groups[-1].target_group_id)
    yield f"use_backend {last} if {applies}" if applies else f"default_backend {last}"


def _kept(listener: Listener, groups: Sequence[WeightedGroup], applies: str, seconds: int) -> Iterable[str]:
    """The group that the client's cookie names, if it is still one of the rule's."""
    for group in groups:
        named = f"{{ var(txn.kept) -m str {group_token(listener, group.target_group_id)} }}"
        yield f"use_backend {pool_name(group.target_group_id)} if {applies} {named} {fresh('kept', seconds)}"


def _group_cookies(listener: Listener, groups: Sequence[WeightedGroup], applies: str) -> Iterable[str]:
    for group in groups:
        chosen = f"{{ be_name {pool_name(group.target_group_id)} }}"
        token = group_token(listener, group.target_group_id)
        yield f"http-response set-var(txn.group) str({token}) if {applies} {chosen}"
    yield from group_cookies(applies)
