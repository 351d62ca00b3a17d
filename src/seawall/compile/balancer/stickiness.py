"""Cookies that keep a client with a target, or with one of several target groups.

A value is base64 of TOKEN.SECONDS.NUMBER: an opaque name, when it was given, and something random.  Source:
Application Load Balancers user guide, "Sticky sessions": names, the expiry of 7 days in the attribute that
the duration is measured apart from, the renewal with every response, both cookies for application-based ones.
"""

from collections.abc import Mapping

from seawall.compile.balancer.text import argument, opaque, word
from seawall.model.listener import Listener
from seawall.model.target_group import TargetGroup

EXPIRY_S = 7 * 24 * 3600
_APP_COOKIES = 4  # AWSALBAPP-0 to -3: what one cannot hold goes on in the next; here the first holds it all
_EXPIRES = f"Expires=%[date({EXPIRY_S}),http_date]; Path=/"
_ACROSS_SITES = "SameSite=None%[ssl_fc,iif('; Secure',)]"


def group_token(listener: Listener, target_group_id: str) -> str:
    return opaque(listener.id, target_group_id)


def server_name(group: TargetGroup, target: str) -> str:
    """The name of a target (ADDRESS:PORT) in the engine and in cookies."""
    return opaque(group.id, target)


def read_cookie(variable: str, *names: str) -> list[str]:
    """What the first of the cookies tells: its token in txn.VARIABLE, its age in seconds in ..._age."""
    missing = f"!{{ var(txn.{variable}_cookie) -m found }}"
    return [
        *(
            f"http-request set-var(txn.{variable}_cookie) req.cook({name}),b64dec if {missing}"
            for name in names
        ),
        f"http-request set-var(txn.{variable}) var(txn.{variable}_cookie),field(1,.)",
        f"http-request set-var(txn.{variable}_given) var(txn.{variable}_cookie),field(2,.),add(0)",
        f"http-request set-var(txn.{variable}_age) date,sub(txn.{variable}_given)",
    ]


def fresh(variable: str, seconds: str | int) -> str:
    """The condition that the cookie was given less than so many seconds ago."""
    return f"{{ var(txn.{variable}_age) -m int lt {seconds} }}"


def _set_cookie(name: str, value: str, attributes: str, condition: str) -> str:
    return f"http-response add-header Set-Cookie {word(f'{name}={value}; {attributes}')}{condition}"


def _pair(name: str, token: str, condition: str = "") -> list[str]:
    """A cookie and its twin for requests of other sites, with the same value."""
    made = word(f"{token}.%[date].%[rand(4294967295)]")
    value = "%[var(txn.cookie),base64]"
    return [
        f"http-response set-var-fmt(txn.cookie) {made}{condition}",
        _set_cookie(name, value, _EXPIRES, condition),
        _set_cookie(f"{name}CORS", value, f"{_EXPIRES}; {_ACROSS_SITES}", condition),
    ]


def group_cookies(condition: str) -> list[str]:
    """With the token of the chosen target group in txn.group."""
    return _pair("AWSALBTG", "%[var(txn.group)]", f" if {condition}")


def target_stickiness(attributes: Mapping[str, str]) -> list[str]:
    """Rules of a backend, by its target group's attributes."""
    if attributes.get("stickiness.enabled") != "true":
        return []
    kind = attributes.get("stickiness.type", "lb_cookie")
    seconds = attributes.get(f"stickiness.{kind}.duration_seconds", "86400")
    if kind == "app_cookie":
        return _application_cookie(attributes.get("stickiness.app_cookie.cookie_name", ""), seconds)
    return [
        *read_cookie("server", "AWSALB", "AWSALBCORS"),
        f"use-server %[var(txn.server)] if {{ var(txn.server) -m found }} {fresh('server', seconds)}",
        *_pair("AWSALB", "%[srv_name]"),
    ]


def _application_cookie(name: str, seconds: str) -> list[str]:
    """The client shows the application's cookie and that of the load balancer, or is not stuck."""
    own = "AWSALBAPP-0"
    known = "{ var(txn.server) -m found }"
    asked = word(f"req.cook({argument(name)})")
    answered = word(f"res.cook({argument(name)})")
    stuck = f"{{ var(txn.stuck) -m bool }} {fresh('server', seconds)}"
    wanted = " if { var(txn.keep) -m bool }"
    made = word("%[srv_name].%[date].%[rand(4294967295)]")
    return [
        *read_cookie("server", own),
        f"http-request set-var(txn.stuck) bool(true) if {{ {asked} -m found }} {known}",
        f"use-server %[var(txn.server)] if {stuck}",
        f"http-response set-var(txn.keep) bool(true) if {{ {answered} -m found }} or {stuck}",
        f"http-response set-var-fmt(txn.cookie) {made}{wanted}",
        _set_cookie(own, "%[var(txn.cookie),base64]", _EXPIRES, wanted),
        *(
            _set_cookie(f"AWSALBAPP-{number}", "_remove_", _EXPIRES, wanted)
            for number in range(1, _APP_COOKIES)
        ),
    ]
