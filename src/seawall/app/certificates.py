"""Seawall's own certificate authority: AWS's names over TLS, inside VPCs only.

The key never leaves the state directory, and nothing outside the world is asked to trust it.
"""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seawall.model.endpoint_service import SERVICES

LIFETIME = timedelta(days=825)
RENEWAL = timedelta(days=30)


class Certificates:
    """`ca.pem` to trust, `server.pem` and `server.key` to serve with, all in one folder (mode 0700)."""

    def __init__(self, folder: Path, *, account: str, region: str) -> None:
        self.ca = folder / "ca.pem"
        self.server = folder / "server.pem"
        self.server_key = folder / "server.key"
        self._ca_key = folder / "ca.key"
        self._names = server_names(account, region)

    def ensure(self) -> None:
        """Make what is missing, and a new server certificate when names changed or it ends soon."""
        self.ca.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self.ca.exists() and self._ca_key.exists()):
            self._make_ca()
            self.server.unlink(missing_ok=True)
        if not self._server_is_good():
            self._make_server()

    def _make_ca(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Seawall local CA")
        certificate = (
            _builder(name, name, key, timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(self._ca_key, _pem(key), 0o600)
        _write(self.ca, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _make_server(self) -> None:
        authority = x509.load_pem_x509_certificate(self.ca.read_bytes())
        authority_key = serialization.load_pem_private_key(self._ca_key.read_bytes(), None)
        assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in self._names])
        certificate = (
            _builder(_name("Seawall AWS endpoints"), authority.subject, key, LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(names, critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        _write(self.server_key, _pem(key), 0o600)
        _write(self.server, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _server_is_good(self) -> bool:
        if not (self.server.exists() and self.server_key.exists()):
            return False
        certificate = x509.load_pem_x509_certificate(self.server.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = names.get_values_for_type(x509.DNSName)
        ends = certificate.not_valid_after_utc
        return list(known) == list(self._names) and ends - datetime.now(timezone.utc) > RENEWAL


def server_names(account: str, region: str) -> tuple[str, ...]:
    """Every AWS host name that Seawall answers for, and those of VPC endpoints; a wildcard is one label."""
    return (
        f"*.{region}.amazonaws.com",
        "*.amazonaws.com",
        f"*.ecr.{region}.amazonaws.com",
        f"{account}.dkr.ecr.{region}.amazonaws.com",
        f"*.dkr.ecr.{region}.amazonaws.com",
        f"*.s3.{region}.amazonaws.com",
        "*.s3.amazonaws.com",
        *(f"*.{s.base_name(region)}" for s in SERVICES if s.endpoint_type == "Interface"),
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Seawall"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_bytes(content)
