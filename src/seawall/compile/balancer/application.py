"""An application load balancer's node: the engine's configuration, but for servers."""

from collections.abc import Mapping, Sequence

from seawall.compile.balancer.broken_off import script_file, script_line
from seawall.compile.balancer.listener import frontend
from seawall.compile.balancer.log_line import ERROR_FORMAT, LOG_FORMAT
from seawall.compile.balancer.pages import page_files, page_lines
from seawall.compile.balancer.target_group import CONNECT_S, backend
from seawall.compile.balancer.text import word
from seawall.compile.balancer.tls import can_serve, certificate_files
from seawall.model.listener import Certificate, Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import TargetGroup
from seawall.program.balancer import BalancerFile

# A request may have a first line of 16 KB and headers of 64 KB; the engine keeps all that in one buffer, with
# room for what it adds.
_GLOBAL = f"""\
global
  {script_line()}
  tune.bufsize 98304
  tune.maxrewrite 12288
  tune.http.maxhdr 1000
  tune.h2.max-concurrent-streams 128
  h1-case-adjust x-forwarded-for X-Forwarded-For
  h1-case-adjust x-forwarded-proto X-Forwarded-Proto
  h1-case-adjust x-forwarded-port X-Forwarded-Port
  h1-case-adjust x-amzn-trace-id X-Amzn-Trace-Id
  h1-case-adjust host Host
  h1-case-adjust server Server
  h1-case-adjust date Date
  h1-case-adjust content-type Content-Type
  h1-case-adjust content-length Content-Length
  h1-case-adjust connection Connection
  h1-case-adjust location Location
  h1-case-adjust set-cookie Set-Cookie
"""


def configuration(
    balancer: LoadBalancer,
    listeners: Sequence[Listener],
    rules: Mapping[str, Sequence[ListenerRule]],
    groups: Sequence[TargetGroup],
    certificates: Mapping[str, Certificate],
    addresses: Sequence[str],
) -> str:
    """`rules` by listener; `certificates` by ARN; `addresses` those of the node."""
    lines = [_GLOBAL, *_defaults(balancer)]
    for listener in listeners:
        if not can_serve(listener, certificates):
            continue
        lines += frontend(balancer, listener, rules.get(listener.id, ()), addresses)
    for group in groups:
        lines += backend(group, _idle_s(balancer))
    return "".join(f"{line}\n" for line in lines)


def files(listeners: Sequence[Listener], certificates: Mapping[str, Certificate]) -> tuple[BalancerFile, ...]:
    """Those the configuration names; `certificates` by ARN."""
    return (script_file(), *page_files(), *certificate_files(listeners, certificates))


def _idle_s(balancer: LoadBalancer) -> int:
    return int(balancer.attributes.get("idle_timeout.timeout_seconds", "60"))


def _defaults(balancer: LoadBalancer) -> list[str]:
    """What listeners and target groups have in common.

    A connection to a target is tried twice, elsewhere if it can be; nothing is sent again that was sent.
    """
    idle = _idle_s(balancer)
    lines = [
        "mode http",
        "log global",
        f"log-format {word(LOG_FORMAT)}",
        f"error-log-format {word(ERROR_FORMAT)}",
        f"timeout client {idle}s",
        f"timeout http-keep-alive {idle}s",
        f"timeout server {idle}s",
        f"timeout tunnel {idle}s",
        f"timeout connect {CONNECT_S * 1000 // 2}ms",
        "retries 1",
        "option redispatch 1",
        "retry-on conn-failure",
        "option http-ignore-probes",
        "option abortonclose",
        "option idle-close-on-response",
        "option h1-case-adjust-bogus-client",
        "option h1-case-adjust-bogus-server",
        *page_lines(),
    ]
    return ["defaults", *(f"  {line}" for line in lines)]
