"""From what a worker has to what it shall have, in the engine's words."""

import pytest

from seawall.host.balancer.servers import KEPT, Seen, Server, commands, read_servers

KEY = ("tg", "t0")
HEAD = (
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight rest\n"
)


def test_nothing_is_said_when_nothing_differs() -> None:
    assert commands({KEY: Server("10.0.0.1", 80)}, {KEY: Seen(100, True)}) == []


def test_a_new_server_is_added_and_used() -> None:
    wanted = {KEY: Server("10.0.0.1", 80, "ssl verify none"), ("tg", "t1"): Server("fd00::1", 81, used=False)}
    assert commands(wanted, {}) == [
        f"add server tg/t0 10.0.0.1:80 ssl verify none {KEPT} weight 100",
        "set server tg/t0 state ready",
        f"add server tg/t1 [fd00::1]:81 {KEPT} weight 100",
    ]


def test_what_comes_into_use_precedes_what_goes_out_of_it() -> None:
    wanted = {("tg", "old"): Server("10.0.0.1", 80, used=False), ("tg", "new"): Server("10.0.0.2", 80)}
    seen = {("tg", "old"): Seen(100, True), ("tg", "new"): Seen(100, False)}
    assert commands(wanted, seen) == ["set server tg/new state ready", "set server tg/old state maint"]


def test_a_server_leaves_with_its_connections_only_where_that_is_wanted() -> None:
    seen = {KEY: Seen(100, True)}
    assert commands({}, seen) == ["set server tg/t0 state maint", "del server tg/t0"]
    assert commands({}, seen, ["tg"]) == [
        "set server tg/t0 state maint",
        "shutdown sessions server tg/t0",
        "del server tg/t0",
    ]


@pytest.mark.parametrize(
    ("options", "is_better"), [("", False), ("proto h2", True), ("ssl verify none alpn h2", True)]
)
def test_servers_of_http2_are_better_loaded(options: str, is_better: bool) -> None:
    assert Server("10.0.0.1", 80, options).is_better_loaded is is_better


def test_a_weight_changes_by_itself() -> None:
    assert commands({KEY: Server("10.0.0.1", 80, weight=30)}, {KEY: Seen(10, True)}) == [
        "set server tg/t0 weight 30"
    ]


@pytest.mark.parametrize(
    ("admin_state", "used"), [(0, True), (4, True), (1, False), (5, False), (8, False), (32, False)]
)
def test_states_are_read(admin_state: int, used: bool) -> None:
    """4: it was disabled in the configuration, which `ready` overrules and leaves to be seen."""
    assert read_servers(f"{HEAD}3 tg 1 t0 10.0.0.1 2 {admin_state} 70 100 0\n\n") == {KEY: Seen(70, used)}


def test_another_answer_is_no_state() -> None:
    with pytest.raises(ValueError, match="not a state"):
        read_servers("Unknown command\n")


def test_the_line_of_a_configuration() -> None:
    assert (
        Server("10.0.0.1", 80, "ssl", 50, used=False).line("t0")
        == f"server t0 10.0.0.1:80 ssl {KEPT} weight 50 disabled"
    )
    assert Server("fd00::1", 80).line("t0") == f"server t0 [fd00::1]:80 {KEPT} weight 100"
