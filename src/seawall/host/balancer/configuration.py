"""The whole configuration of an engine: the program's, the process settings, and the servers.  Pure."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.host.balancer.servers import Key, Server
from seawall.program.balancer import BalancerProgram

MOST_OLD_WORKERS = 8  # that finish their connections after as many reloads; the oldest is ended first
LONGEST_LINE = 65535  # bytes of a log line
KEPT_LINES = 4 * 1024 * 1024  # bytes of log lines that wait in the engine for somebody to take them
_FORM = 3  # of what is written here: another number makes running engines load their configuration again
_SECTIONS = frozenset(
    ("global", "defaults", "frontend", "backend", "listen", "ring", "peers", "cache", "userlist", "resolvers")
    + ("mailers", "program", "http-errors", "fcgi-app", "log-forward", "crt-store")
)


def digest(program: BalancerProgram) -> str:
    """Of all that an engine learns only by loading its configuration."""
    options = sorted((pool.name, pool.server_options) for pool in program.pools if pool.engine)
    parts = (_FORM, program.configuration, program.files, program.log, options)
    return hashlib.sha256(msgspec.msgpack.encode(parts)).hexdigest()[:24]


def whole(program: BalancerProgram, servers: Mapping[Key, Server], log: Path, threads: int) -> str:
    """The text to load.

    log   the socket at which log lines are taken
    """
    lines = _process(digest(program), threads, log if program.log else None)
    backend: str | None = None
    # Other signs that could end a line are text, for the engine.
    for line in program.configuration.rstrip("\n").split("\n"):
        words = line.split()
        if words and words[0] in _SECTIONS:
            lines += _servers(servers, backend)
            backend = words[1] if words[0] in ("backend", "listen") and len(words) > 1 else None
        lines.append(line)
    lines += _servers(servers, backend)
    return "\n".join(lines) + "\n"


def servers_in(text: str) -> frozenset[Key]:
    """Those that a configuration names."""
    found: set[Key] = set()
    backend = ""
    for words in map(str.split, text.split("\n")):
        if words and words[0] in _SECTIONS:
            backend = words[1] if words[0] in ("backend", "listen") and len(words) > 1 else ""
        elif backend and len(words) > 1 and words[0] == "server":
            found.add((backend, words[1]))
    return frozenset(found)


def _servers(servers: Mapping[Key, Server], backend: str | None) -> list[str]:
    return [f"  {server.line(name)}" for (of, name), server in servers.items() if of == backend]


def _process(mark: str, threads: int, log: Path | None) -> list[str]:
    """`short` puts each line's level before it.  Files are named from the configuration's own folder;
    `description` tells which one a worker has."""
    lines = [
        "global",
        "  default-path config",
        f"  description {mark}",
        f"  mworker-max-reloads {MOST_OLD_WORKERS}",
        f"  nbthread {threads}",
    ]
    if log is not None:
        lines += [
            f"  log ring@traffic len {LONGEST_LINE} local0 info",
            "ring traffic",
            "  format short",
            f"  maxlen {LONGEST_LINE}",
            f"  size {KEPT_LINES}",
            "  timeout connect 5s",
            "  timeout server 60s",
            f"  server agent unix@{log}",
        ]
    return lines
