"""What `seawall truth` says of limits."""

from seawall.app.cgroup import Enforcement
from seawall.app.truth import Truth


def test_the_words_of_the_running_host_are_told_beside_those_of_the_machine() -> None:
    truth = Truth((), Enforcement(1, (), "only root may"), "nobody delegated them")
    lines = list(truth.lines())
    assert (
        "On this machine, for this user: limits on cpu, memory, pids are NOT enforced: only root may."
        in lines
    )
    assert (
        "In the Seawall that runs: limits on cpu, memory, pids are NOT enforced: nobody delegated them."
        in lines
    )
    assert truth.plain()["running"] == {"limits": "nobody delegated them"}


def test_nothing_is_said_of_one_that_does_not_run() -> None:
    truth = Truth((), Enforcement(2, ("cpu", "memory", "pids")))
    assert not [line for line in truth.lines() if "that runs" in line]
    assert "running" not in truth.plain()
