"""The sites that Terraform builds in the tests: how many resources each has, what is asked of it besides."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.e2e.harness import Seawall

FOLDER = Path(__file__).parent / "terraform"


def nothing_more(*_: Any) -> None:
    pass


@dataclass(frozen=True)
class Site:
    """`prepare` writes what it needs into its folder; `change` edits it, once it stands, to be applied again.

    `standing` and `gone` look at the account after the last apply and after the destruction.
    """

    file: str
    count: int  # of its resources
    prepare: Callable[[Path], None] = nothing_more
    change: Callable[[Path], None] | None = None
    standing: Callable[[Seawall], None] = nothing_more
    gone: Callable[[Seawall], None] = nothing_more


def attachment_states(seawall: Seawall) -> set[str]:
    found = seawall.client("ec2").describe_transit_gateway_attachments()
    return {attachment["State"] for attachment in found["TransitGatewayAttachments"]}


def connections_stand(seawall: Seawall) -> None:
    assert attachment_states(seawall) == {"available"}


def connections_are_gone(seawall: Seawall) -> None:
    assert attachment_states(seawall) == {"deleted"}
    (peering,) = seawall.client("ec2").describe_vpc_peering_connections()["VpcPeeringConnections"]
    assert peering["Status"]["Code"] == "deleted"


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


def let_connections_idle_longer(site: Path) -> None:
    site.write_text(site.read_text().replace("idle_timeout               = 30", "idle_timeout = 45"))


def balancers_stand(seawall: Seawall) -> None:
    elb = seawall.client("elbv2")
    [web] = elb.describe_load_balancers(Names=["site-web"])["LoadBalancers"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=web["LoadBalancerArn"])["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "45"} in found


def balancers_are_gone(seawall: Seawall) -> None:
    elb = seawall.client("elbv2")
    left = [one["LoadBalancerName"] for one in elb.describe_load_balancers()["LoadBalancers"]]
    left += [one["TargetGroupName"] for one in elb.describe_target_groups()["TargetGroups"]]
    assert not [name for name in left if name.startswith("site-")]


SITES = (
    Site("main.tf", 20),
    Site("core.tf", 20),
    Site("endpoints.tf", 15),
    Site("names.tf", 10),
    Site("services.tf", 13),
    Site("balanced.tf", 13),
    Site("connections.tf", 15, standing=connections_stand, gone=connections_are_gone),
    Site(
        "balancers.tf",
        18,
        prepare=write_certificate,
        change=let_connections_idle_longer,
        standing=balancers_stand,
        gone=balancers_are_gone,
    ),
)
