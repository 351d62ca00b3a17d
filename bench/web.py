"""HTTP to be measured: who asks, who answers, and an engine run by hand between the two."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.place import Place

CONNECTIONS = 32
REPORT = Path(__file__).with_name("load.lua")
_DEFAULTS = """\
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
"""
# What an application load balancer does for every request, in the engine's usual words: the headers that tell
# a target of its client, an id to find the request again, and a line about it, kept in memory.
_DIGITS = "hex,bytes(8,8),lower"
DUTIES = f"""\
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port 80
  unique-id-format 'Root=1-%[date,{_DIGITS}]-{3 * f"%[rand,{_DIGITS}]"}'
  unique-id-header X-Amzn-Trace-Id
  option httplog
  log ring@requests local0
"""
_ABOUT_ITS_PLACE = re.compile(
    r"^  (?:(?:default-path|description|mworker-max-reloads|errorfile|server|lua-load) .*"
    r"|tcp-response content lua\..*"
    r"|timeout server \S+\n  server .*)\n",
    re.MULTILINE,
)
_SERVER = (
    "  server s0 {} pool-purge-delay 5s pool-max-conn -1 weight 100\n"  # as an engine is told at run time
)
_RING = "ring requests\n  size 1048576\n"


class Load(NamedTuple):
    """Requests a second; milliseconds."""

    rate: float
    p50: float
    p99: float


def load(client: Place, url: str, seconds: int, connections: int = CONNECTIONS) -> Load:
    """Ask again and again over so many kept connections.  Raises RuntimeError when a request fails."""
    words = ("wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(REPORT), url)
    done = subprocess.run([*client.enter, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk {url}: {done.stderr.strip() or done.stdout.strip()}")
    told = json.loads(done.stdout.splitlines()[-1])
    if told["failed"] or not told["requests"]:
        raise RuntimeError(f"wrk {url}: {done.stdout}")
    rate = told["requests"] / told["microseconds"] * 1e6
    return Load(rate, told["p50_us"] / 1000, told["p99_us"] / 1000)


@contextmanager
def origin(place: Place, first: int, last: int) -> Iterator[None]:
    """A server on a range of ports, as quick as there is one: each answer is the port it was asked at.

    It says the date, as every server has to that has a clock.
    """
    text = f"""\
frontend origin
  bind {place.address}:{first}-{last}
  http-request return status 200 content-type text/plain lf-string %[dst_port] hdr Date %[date,http_date]
"""
    with _haproxy(place, _head(1) + text):
        yield


@contextmanager
def by_hand(place: Place, port: int, servers: list[str], threads: int, duties: str = "") -> Iterator[None]:
    """HAProxy as one writes it down who wants nothing but requests passed on; `servers` ADDRESS:PORT.

    duties   what it does besides: lines of its frontend
    """
    named = "".join(f"  server s{number} {server}\n" for number, server in enumerate(servers))
    front = f"frontend web\n  bind {place.address}:{port}\n{duties}  default_backend web\n"
    ring = _RING if "ring@" in duties else ""
    with _haproxy(place, f"{_head(threads)}{front}backend web\n{named}{ring}"):
        yield


@contextmanager
def same_by_hand(place: Place, port: int, server: str, text: str) -> Iterator[None]:
    """HAProxy with the very text that a balancer's engine has loaded, options and all, for one server: only
    nobody takes its log lines, which stay in its memory, its pages for errors are HAProxy's own, where a
    target dies too, and it listens here."""
    anywhere = _ABOUT_ITS_PLACE.sub("", text)
    here = re.sub(r"^  bind \S+", f"  bind {place.address}:{port}", anywhere, flags=re.MULTILINE)
    with _haproxy(place, here + _SERVER.format(server), "-dMglobal"):
        yield


def _head(threads: int) -> str:
    return f"global\n  nbthread {threads}\n{_DEFAULTS}"


@contextmanager
def _haproxy(place: Place, text: str, *options: str) -> Iterator[None]:
    with tempfile.NamedTemporaryFile("w", prefix="seawall-bench-", suffix=".cfg") as file:
        file.write(text)
        file.flush()
        with place.running("haproxy", *options, "-W", "-db", "-f", file.name, ready="Loading success"):
            yield
