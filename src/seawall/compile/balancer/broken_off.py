"""The answer to a request over which its target dies: 502, whatever connection it came on.

The engine answers so by itself only the first request of a connection of HTTP/1.1.  For others, and for all
of HTTP/2, it means the client to ask again: it ends the connection, or refuses the stream, without an answer
and without a log line (HAProxy 2.6, http_wait_for_response: TX_NOT_FIRST).  So what a target owes is looked
at before that, by rules that wait for the head of its answer.  Nothing is sent to a target again.

Source: Application Load Balancers user guide, "Troubleshoot", HTTP 502.
"""

import json

from seawall.compile.balancer.pages import REASONS, SERVER, page, title
from seawall.program.balancer import BalancerFile

_NAME = "broken-off.lua"
_BEFORE_TIMEOUT_MS = 100
# Where nothing more can come from the target, it is gone; a client that left is told apart by the engine.
# An answer on a connection that stays open would wait for more to send along.
_SCRIPT = """\
core.register_action("broken_off", {"tcp-res"}, function(txn)
  local client_left = not txn.req:may_recv() and not txn.req:is_full()
  if txn.res:may_recv() or client_left then
    return
  end
  local reply = txn:reply{status = 502, reason = REASON, body = BODY}
  reply:add_header("Server", SERVER)
  reply:add_header("Content-Type", "text/html")
  reply:add_header("Connection", "close")
  txn:done(reply)
end)
"""


def script_line() -> str:
    """Of the process as a whole."""
    return f"lua-load files/{_NAME}"


def script_file() -> BalancerFile:
    content = _SCRIPT
    for name, value in (("REASON", REASONS[502]), ("BODY", page(title(502))), ("SERVER", SERVER)):
        content = content.replace(name, json.dumps(value))
    return BalancerFile(name=_NAME, content=content)


def answer_lines(idle_s: int) -> list[str]:
    """Of a backend.  They wait for less than the time after which a target is too late: that is a 504, which
    is not to be told from a target's death here."""
    return [
        f"tcp-response inspect-delay {idle_s * 1000 - _BEFORE_TIMEOUT_MS}ms",
        "tcp-response content accept if { status gt 0 }",
        "tcp-response content lua.broken_off",
    ]
