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
