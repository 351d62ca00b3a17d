"""What the doctor reads out of files, and what it says."""

from pathlib import Path

import pytest

from seawall.app import doctor


def test_sub_ids_are_counted_by_name_and_by_number() -> None:
    text = "ann:100000:65536\n1000:200000:1000\nbob:300000:65536\nnonsense\n"
    assert doctor.sub_id_count(text, "ann", 1000) == 66536
    assert doctor.sub_id_count("", "ann", 1000) == 0


def test_the_setting_that_forbids_user_namespaces_is_named(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/apparmor_restrict_unprivileged_userns").write_text("1\n")
    remedy = doctor._namespace_remedy(tmp_path)
    assert remedy == "As root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"


def test_a_missing_program_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PATH", "/nowhere")
    findings = {finding.subject: finding for finding in doctor.programs()}
    assert findings["skopeo"].verdict == "missing"
    assert "apt-get install skopeo" in findings["skopeo"].sentence()
    assert findings["pasta"].verdict == "limited"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nFeature list : +LUA +NS", "ok"),
        ("HAProxy version 3.0.1 2024/06/10\nFeature list : -OT +LUA", "ok"),
        ("HAProxy version 3.0.1 2024/06/10\nFeature list : -LUA +NS", "limited"),
        ("HAProxy version 2.4.24-0ubuntu0.22.04.1 2023/10/31\nFeature list : +LUA", "limited"),
        ("HA-Proxy version 1.8.4-1deb90d 2018/02/08", "limited"),
        ("", "limited"),
    ],
)
def test_an_engine_must_be_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, verdict: str
) -> None:
    program = tmp_path / "haproxy"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(doctor, "PATH", str(tmp_path))
    findings = {finding.subject: finding for finding in doctor.programs()}
    assert findings["haproxy"].verdict == verdict
