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
    found = limits_here(tmp_path, user=1000, session=True)
    assert found.enforced == ("memory", "pids")
    assert "limits on cpu are NOT enforced: systemd does not delegate" in found.sentence()


def test_version_2_without_a_session_holds_nothing_but_for_root(tmp_path: Path) -> None:
    unified(tmp_path, delegated="cpu memory pids\n")
    assert limits_here(tmp_path, user=1000, session=False).enforced == ()
    assert limits_here(tmp_path, user=1000, session=True).complete
    assert limits_here(tmp_path, user=0, session=False).complete
