"""The whole text an engine loads."""

from pathlib import Path

from msgspec.structs import replace

from seawall.host.balancer.configuration import digest, servers_in, whole
from seawall.host.balancer.servers import KEPT, Server
from seawall.program.balancer import BalancerFile, BalancerProgram, Pool, PoolTarget

TEXT = """\
global
  tune.bufsize 32768
frontend f
  default_backend a
backend a
  balance roundrobin
backend b
"""
POOLS = (Pool(name="a", targets=(PoolTarget(id="10.0.0.1:80", address="10.0.0.1", port=80),)), Pool(name="b"))
PROGRAM = BalancerProgram(id="eni-1", namespace="eni-1", configuration=TEXT, pools=POOLS)
SERVERS = {("b", "t1"): Server("10.0.0.2", 80), ("a", "t0"): Server("10.0.0.1", 80, used=False)}


def test_servers_stand_at_the_end_of_their_backend() -> None:
    lines = [line.strip() for line in whole(PROGRAM, SERVERS, Path("/log"), 2).splitlines()]
    own = lines[lines.index("tune.bufsize 32768") :]
    assert own == [
        "tune.bufsize 32768",
        "frontend f",
        "default_backend a",
        "backend a",
        "balance roundrobin",
        f"server t0 10.0.0.1:80 {KEPT} weight 100 disabled",
        "backend b",
        f"server t1 10.0.0.2:80 {KEPT} weight 100",
    ]


def test_servers_of_a_text_are_found_again() -> None:
    assert servers_in(whole(PROGRAM, SERVERS, Path("/log"), 2)) == SERVERS.keys()
    logged = whole(replace(PROGRAM, log=True), SERVERS, Path("/log"), 2)
    assert servers_in(logged) == SERVERS.keys()  # where lines go to is no target


def test_what_only_looks_like_the_end_of_a_line_is_left_in_it() -> None:
    line = "  http-request return status 200 string 'a\u2028backend b\x85\x0b\x0c\x1c'"
    text = TEXT.replace("  default_backend a", line)
    loaded = whole(replace(PROGRAM, configuration=text), SERVERS, Path("/log"), 2)
    assert line in loaded.split("\n")
    assert loaded.count("server t1") == 1


def test_lines_have_a_way_out_only_where_they_are_wanted() -> None:
    assert "log" not in whole(PROGRAM, {}, Path("/log"), 2).split()
    assert "server agent unix@/log" in whole(replace(PROGRAM, log=True), {}, Path("/log"), 2)


def test_the_mark_tells_what_needs_loading() -> None:
    mark = digest(PROGRAM)
    assert f"description {mark}\n" in whole(PROGRAM, SERVERS, Path("/log"), 2)
    without_targets = replace(PROGRAM, pools=(replace(POOLS[0], targets=()), POOLS[1]))
    assert digest(without_targets) == mark
    others = (
        replace(PROGRAM, configuration=TEXT + "\n"),
        replace(PROGRAM, files=(BalancerFile(name="x", content=""),)),
        replace(PROGRAM, log=True),
        replace(PROGRAM, pools=(replace(POOLS[0], server_options="ssl"), POOLS[1])),
    )
    assert len({mark, *map(digest, others)}) == 5
