"""What the load-balancing nodes of a host shall do: one engine for each node's namespace.

The namespace, its link and its packet policy are the network program's.  The engine is HAProxy; which
servers a pool has and how they fare changes without touching its configuration.
"""

from typing import Literal

import msgspec


class _Plain(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    pass


class Check(_Plain, frozen=True, kw_only=True):
    """How each target of a pool is asked, from the node's namespace and address.  Times in seconds.

    port     None: the port the target serves on
    codes    HTTP codes (or gRPC ones) that are a success: (first, last), both included
    version  what is spoken: HTTP/1.1, HTTP/2, or a gRPC call over HTTP/2
    """

    protocol: Literal["http", "https", "tcp"] = "http"
    version: Literal["http1", "http2", "grpc"] = "http1"
    port: int | None = None
    path: str = "/"
    codes: tuple[tuple[int, int], ...] = ((200, 200),)
    interval_s: float = 30
    timeout_s: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    user_agent: str = ""


class PoolTarget(_Plain, frozen=True, kw_only=True):
    """`id` is unique in its pool: ADDRESS:PORT.

    server    the name its server has in the engine: cookies tell it to clients and `use-server` finds it, so
              it is the same in every node and after every reload, and does not show the address
    serving   False: it gets nothing new, not even what a cookie would send it (maintenance, not drain), and
              finishes what it has
    """

    id: str
    address: str
    port: int
    server: str = ""
    serving: bool = True


class Pool(_Plain, frozen=True, kw_only=True):
    """Targets that one node uses.

    name             of its target group, with ":" for "/"; the backend of the configuration has the same
    engine           False: no backend has this name, the kernel spreads the connections; only checks are here
    server_options   what every server has behind its address; no more than `add server` knows
    check            None: every target counts as healthy
    slow_start_s     how long a target that came up takes to get its full share; 0: at once
    fail_open_below  with fewer healthy targets than this all of them are used
    ends_connections what a target still has open when it leaves the pool is closed
    """

    name: str
    engine: bool = True
    targets: tuple[PoolTarget, ...] = ()
    check: Check | None = None
    server_options: str = ""
    slow_start_s: int = 0
    fail_open_below: int = 1
    ends_connections: bool = True


class BalancerFile(_Plain, frozen=True, kw_only=True):
    """A file the configuration names as files/NAME: certificates, error pages, maps."""

    name: str
    content: str


class BalancerProgram(_Plain, frozen=True, kw_only=True):
    """One node.

    id             its network interface
    namespace      where the engine runs and listens
    configuration  HAProxy's, whole but for the servers of its backends, the places of its sockets and its
                   process settings, which the host adds; "": no engine runs here, only the checks do.
                   It has a `global` section of its own (limits of buffers and headers) and says `log global`,
                   so the host's `global` names where lines go: up to 65535 bytes each, format raw
    log            the engine tells of every request or connection, and the host passes it on
    """

    id: str
    namespace: str
    configuration: str = ""
    files: tuple[BalancerFile, ...] = ()
    pools: tuple[Pool, ...] = ()
    log: bool = False
