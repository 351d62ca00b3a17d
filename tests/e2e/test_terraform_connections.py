"""Peerings and transit gateways by Terraform's AWS provider: apply, no difference, destroy."""

import shutil
from pathlib import Path

import pytest
from tests.e2e.harness import Seawall
from tests.e2e.test_terraform import NO_DIFFERENCE, PLUGINS, terraform

SITE = Path(__file__).parent / "terraform" / "connections.tf"

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None or not PLUGINS.is_dir(),
    reason="terraform and its AWS provider, which are optional clients, are not installed",
)


@pytest.mark.timeout(600)
def test_connections_between_vpcs(seawall: Seawall, tmp_path: Path) -> None:
    shutil.copy(SITE, tmp_path)
    for words in (("init", f"-plugin-dir={PLUGINS}"), ("apply", "-auto-approve")):
        done = terraform(tmp_path, seawall, *words, "-input=false")
        assert done.returncode == 0, done.stderr
    ec2 = seawall.client("ec2")
    states = {a["State"] for a in ec2.describe_transit_gateway_attachments()["TransitGatewayAttachments"]}
    assert states == {"available"}

    done = terraform(tmp_path, seawall, "plan", "-detailed-exitcode", "-input=false")
    assert done.returncode == NO_DIFFERENCE, done.stdout + done.stderr

    done = terraform(tmp_path, seawall, "destroy", "-auto-approve", "-input=false")
    assert done.returncode == 0, done.stderr
    states = {a["State"] for a in ec2.describe_transit_gateway_attachments()["TransitGatewayAttachments"]}
    assert states == {"deleted"}
    (peering,) = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    assert peering["Status"]["Code"] == "deleted"
