"""Terraform's AWS provider, unmodified: apply, a plan that finds nothing to do, destroy.

Terraform is an optional client, and its provider comes from a registry of its own: both must be here already.
$SEAWALL_TERRAFORM_PLUGINS names a folder as `terraform init -plugin-dir` wants it (default: /opt/tf-plugins).
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.e2e.harness import Seawall

PLUGINS = Path(os.environ.get("SEAWALL_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
SITES = Path(__file__).parent / "terraform"
NO_DIFFERENCE = 0  # of `plan -detailed-exitcode`; 2: there is something to do

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None or not PLUGINS.is_dir(),
    reason="terraform and its AWS provider, which are optional clients, are not installed",
)


def terraform(folder: Path, seawall: Seawall, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TF_IN_AUTOMATION": "1"}
    return subprocess.run(
        ["terraform", words[0], "-no-color", *words[1:]],
        cwd=folder,
        env=environment | seawall.running.environment(),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("site", "count"),
    [
        ("main.tf", 20),
        ("core.tf", 20),
        ("endpoints.tf", 15),
        ("names.tf", 10),
        ("services.tf", 13),
        ("balanced.tf", 13),
    ],
)
def test_terraform_applies_finds_no_difference_and_destroys(
    seawall: Seawall, tmp_path: Path, site: str, count: int
) -> None:
    shutil.copy(SITES / site, tmp_path)
    ec2 = seawall.client("ec2")
    before = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}

    done = terraform(tmp_path, seawall, "init", f"-plugin-dir={PLUGINS}", "-input=false")
    assert done.returncode == 0, done.stderr
    done = terraform(tmp_path, seawall, "apply", "-auto-approve", "-input=false")
    assert done.returncode == 0, done.stderr
    assert f"Resources: {count} added, 0 changed, 0 destroyed." in done.stdout

    done = terraform(tmp_path, seawall, "plan", "-detailed-exitcode", "-input=false")
    assert done.returncode == NO_DIFFERENCE, done.stdout + done.stderr

    done = terraform(tmp_path, seawall, "destroy", "-auto-approve", "-input=false")
    assert done.returncode == 0, done.stderr
    assert f"Resources: {count} destroyed." in done.stdout
    assert {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]} == before
