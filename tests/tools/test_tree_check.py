"""What tools/check_tree.py finds, and what it must leave alone."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"seawall_tools_{name}", TOOLS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


check_tree = load("check_tree")
test_everything = load("test_everything")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("key = 'AK" + "IA" + "A" * 16 + "'", "an AWS access key"),
        ("-----BEGIN RSA PRIVATE" + " KEY-----", "a private key"),
        ("--index-" + "url https://example.test/simple", "a package-index host"),
        ("see /wo" + "rk/main/x", "a path of one machine"),
        ("# TO" + "DO: later", "a note left for later"),
        ("<<<<<<<" + " ours", "a merge conflict"),
    ],
)
def test_each_pattern_is_found_with_its_line(text: str, reason: str) -> None:
    (found,) = check_tree.findings(Path("a/b.md"), f"first line\n{text}\n")
    assert found.startswith(f"2: {reason}: ")


def test_clean_text_and_the_documentations_example_keys_pass() -> None:
    text = "The network and homework; AKIA" + "IOSFODNN7EXAMPLE opens nothing.\n"
    assert list(check_tree.findings(Path("a/b.md"), text)) == []


def test_vague_names_and_long_modules_are_found() -> None:
    assert list(check_tree.findings(Path("a/io_utils.py"), ""))
    assert list(check_tree.findings(Path("helpers/io.py"), ""))
    assert list(check_tree.findings(Path("a/io.py"), "x = 1\n" * 501))
    assert not list(check_tree.findings(Path("a/commonwealth.py"), "x = 1\n" * 500))


def test_counts_come_from_every_suite_of_a_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="5" failures="1" errors="1" skipped="1"/>'
        '<testsuite tests="2" failures="0" errors="0" skipped="0"/></testsuites>'
    )
    counts = test_everything.read_counts(report)
    assert (counts.passed, counts.failed, counts.errors, counts.skipped) == (4, 1, 1, 1)
    assert not counts.ok
    assert str(counts) == "1 failed, 4 passed, 1 skipped, 1 error"


def test_a_run_that_never_finished_or_tested_nothing_is_no_success(tmp_path: Path) -> None:
    assert not test_everything.read_counts(tmp_path / "absent.xml").ok
    assert not test_everything.Counts().ok
    assert test_everything.Counts(passed=1).ok
