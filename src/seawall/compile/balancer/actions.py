"""What rules do with requests: answer them, or choose a target group.

The variable txn.rule is the priority of the rule that applies, txn.pool the target group's backend.
Sources: Application Load Balancers user guide, "Rule action types" and "Sticky sessions"; API reference of
RedirectActionConfig.
"""

import re
from collections.abc import Mapping

from seawall.compile.balancer.pages import SERVER, page, title
from seawall.compile.balancer.stickiness import fresh, group_cookies, group_token, read_cookie
from seawall.compile.balancer.text import literal, one_of, pool_name, word
from seawall.model.listener import Action, FixedResponse, Listener, Redirect

_VARIABLE = re.compile(r"#\{(protocol|host|port|path|query)\}")
_STATUS = {"HTTP_301": 301, "HTTP_302": 302}


def answer_lines(listener: Listener, decisions: Mapping[int, Action]) -> list[str]:
    """Redirects and fixed responses; `decisions`: what the rule of each priority does."""
    lines = []
    for priority, action in decisions.items():
        applies = one_of("txn.rule", [priority])[0]
        if action.redirect is not None:
            lines += _redirect(listener, action.redirect, applies)
        elif action.fixed_response is not None:
            lines.append(_fixed_response(action.fixed_response, applies))
    return lines


def _fixed_response(response: FixedResponse, applies: str) -> str:
    content_type = response.content_type or "text/plain"
    return (
        f"http-request return status {response.status_code} "
        f"content-type {word(f'{content_type}; charset=utf-8')} "
        f"string {word(response.message_body or '')} hdr Server {SERVER} if {applies}"
    )


def _redirect(listener: Listener, redirect: Redirect, applies: str) -> list[str]:
    """The port is always named, as AWS does; a query only if there is one."""
    values = {
        "protocol": listener.protocol.lower(),
        "host": "%[req.hdr(host),host_only]",
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
    lines = []
    single: dict[str, list[int]] = {}
    for priority, action in decisions.items():
        if action.type != "forward":
            continue
        groups = [group for group in action.target_groups if group.weight or len(action.target_groups) == 1]
        if len(groups) == 1 and action.stickiness_seconds is None:
            single.setdefault(pool_name(groups[0].target_group_id), []).append(priority)
        elif groups:
            lines += _weighted(listener, priority, action)
        else:
            lines.append(_nowhere(priority))
    for pool, priorities in single.items():
        lines += [f"use_backend {pool} if {applies}" for applies in one_of("txn.rule", priorities)]
    if any(line.startswith("http-request") for line in lines):
        lines.append("use_backend %[var(txn.pool)] if { var(txn.pool) -m found }")
    if any(action.stickiness_seconds is not None for action in decisions.values()):
        lines = read_cookie("kept", "AWSALBTG", "AWSALBTGCORS") + lines
    return sorted(lines, key=lambda line: line.startswith("use_backend"))


def _nowhere(priority: int) -> str:
    """All groups of the rule have the weight 0: as if there were no targets."""
    body = word(page(title(503)))
    applies = one_of("txn.rule", [priority])[0]
    return (
        f"http-request return status 503 content-type text/html string {body} "
        f"hdr Server {SERVER} if {applies}"
    )


def _weighted(listener: Listener, priority: int, action: Action) -> list[str]:
    """A number below the sum of the weights decides, unless the client's cookie names a group of the rule."""
    applies = one_of("txn.rule", [priority])[0]
    groups = [group for group in action.target_groups if group.weight]
    sticky = action.stickiness_seconds
    lines = []
    unset = "!{ var(txn.pool) -m found }"
    if sticky is not None:
        for group in groups:
            known = f"{{ var(txn.kept) -m str {group_token(listener, group.target_group_id)} }}"
            pool = pool_name(group.target_group_id)
            lines.append(
                f"http-request set-var(txn.pool) str({pool}) if {applies} {known} {fresh('kept', sticky)}"
            )
    total = sum(group.weight for group in groups)
    lines.append(f"http-request set-var(txn.share) rand({total}) if {applies}")
    below = 0
    for group in groups:
        below += group.weight
        pool = pool_name(group.target_group_id)
        share = f"{{ var(txn.share) -m int lt {below} }}"
        lines.append(f"http-request set-var(txn.pool) str({pool}) if {applies} {unset} {share}")
    if sticky is not None:
        for group in groups:
            chosen = f"{{ var(txn.pool) -m str {pool_name(group.target_group_id)} }}"
            token = group_token(listener, group.target_group_id)
            lines.append(f"http-request set-var(txn.group) str({token}) if {applies} {chosen}")
        lines += group_cookies(applies)
    return lines
