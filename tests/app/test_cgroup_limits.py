"""Which limits hold, told from the shape of /sys/fs/cgroup."""

from pathlib import Path

from seawall.app.cgroup import limits_here


def test_version_1_is_for_root_only(tmp_path: Path) -> None:
    for name in ("cpu", "memory", "pids"):
        (tmp_path / name).mkdir()
    assert limits_here(tmp_path, user=0).complete
    other = limits_here(tmp_path, user=1000)
    assert other.enforced == ()
    assert "NOT enforced" in other.sentence()


def test_version_1_without_a_controller_says_which(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    found = limits_here(tmp_path, user=0)
    assert found.enforced == ("memory",)
    assert "cpu, pids" in found.sentence()


def test_nothing_mounted(tmp_path: Path) -> None:
    assert limits_here(tmp_path, user=0).version == 0


def unified(root: Path, *, delegated: str) -> None:
    session = root / "user.slice/user-1000.slice/user@1000.service/app.slice"
    session.mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (session.parent / "cgroup.controllers").write_text(delegated)


def test_version_2_holds_what_systemd_delegated(tmp_path: Path) -> None:
    unified(tmp_path, delegated="memory pids\n")
    own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice\n"
    found = limits_here(tmp_path, user=1000, own=own)
    assert found.enforced == ("memory", "pids")
    assert "systemd delegates only memory pids" in found.sentence()


def test_version_2_outside_the_delegated_tree_holds_nothing(tmp_path: Path) -> None:
    unified(tmp_path, delegated="cpu memory pids\n")
    own = "0::/user.slice/user-1000.slice/session-1.scope\n"
    assert limits_here(tmp_path, user=1000, own=own).enforced == ()
    assert limits_here(tmp_path, user=0, own=own).complete
