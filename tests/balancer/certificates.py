"""Certificates that sign themselves, as somebody imports them."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from tests.balancer.engine import NOW

from seawall.model.listener import Certificate


def certificate(name: str, *, elliptic: bool = True) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    id = f"{sum(name.encode()):08x}-0000-0000-0000-{elliptic:012}"
    return Certificate(
        id=id,
        arn=f"arn:aws:acm:us-east-1:000000000000:certificate/{id}",
        certificate=built.public_bytes(serialization.Encoding.PEM).decode(),
        private_key=private.decode(),
        domain_name=name,
        not_before=NOW,
        not_after=NOW,
        imported_at=NOW,
        created_at=NOW,
    )
