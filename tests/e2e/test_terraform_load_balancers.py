"""Load balancers by Terraform's AWS provider: apply, no difference, a change in place, destroy."""

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.e2e.harness import Seawall
from tests.e2e.test_terraform import NO_DIFFERENCE, PLUGINS, terraform

SITE = Path(__file__).parent / "terraform" / "balancers.tf"

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None or not PLUGINS.is_dir(),
    reason="terraform and its AWS provider, which are optional clients, are not installed",
)


def write_certificate(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.timeout(600)
def test_load_balancers_of_both_kinds(seawall: Seawall, tmp_path: Path) -> None:
    shutil.copy(SITE, tmp_path)
    write_certificate(tmp_path)
    for words in (("init", f"-plugin-dir={PLUGINS}"), ("apply", "-auto-approve")):
        done = terraform(tmp_path, seawall, *words, "-input=false")
        assert done.returncode == 0, done.stderr
    done = terraform(tmp_path, seawall, "plan", "-detailed-exitcode", "-input=false")
    assert done.returncode == NO_DIFFERENCE, done.stdout + done.stderr

    site = tmp_path / SITE.name
    site.write_text(site.read_text().replace("idle_timeout               = 30", "idle_timeout = 45"))
    done = terraform(tmp_path, seawall, "apply", "-auto-approve", "-input=false")
    assert "0 added, 1 changed, 0 destroyed" in done.stdout, done.stdout + done.stderr
    elb = seawall.client("elbv2")
    [web] = elb.describe_load_balancers(Names=["site-web"])["LoadBalancers"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=web["LoadBalancerArn"])["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "45"} in found

    done = terraform(tmp_path, seawall, "destroy", "-auto-approve", "-input=false")
    assert done.returncode == 0, done.stderr
    left = [one["LoadBalancerName"] for one in elb.describe_load_balancers()["LoadBalancers"]]
    left += [one["TargetGroupName"] for one in elb.describe_target_groups()["TargetGroups"]]
    assert not [name for name in left if name.startswith("site-")]
