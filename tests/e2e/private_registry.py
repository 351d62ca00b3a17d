"""A registry on the internet that wants a user name and a password: an OCI layout over HTTPS, read only.

usage: private_registry.py ADDRESS LAYOUT CERTIFICATE KEY USER:PASSWORD
"""

import base64
import json
import ssl
import sys
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certify(address: str, tls: Path, folder: Path) -> tuple[Path, Path]:
    """A certificate for an address, signed by the Seawall whose folder `tls` is, and its key."""
    authority = x509.load_pem_x509_certificate((tls / "ca.pem").read_bytes())
    authority_key = serialization.load_pem_private_key((tls / "ca.key").read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem, key_file = folder / "registry.pem", folder / "registry.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, key_file


class Registry(BaseHTTPRequestHandler):
    layout: Path
    login: str
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Basic {base64.b64encode(self.login.encode()).decode()}":
            refusal = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
            self._answer(401, json.dumps(refusal).encode(), ("WWW-Authenticate", 'Basic realm="private"'))
            return
        kind, reference = self.path.rpartition("/")[0].rpartition("/")[2], self.path.rpartition("/")[2]
        if self.path == "/v2/":
            self._answer(200, b"{}")
        elif kind == "manifests":
            (described,) = json.loads((self.layout / "index.json").read_bytes())["manifests"]
            self._answer(200, self._blob(described["digest"]), ("Content-Type", described["mediaType"]))
        else:
            self._answer(200, self._blob(reference), ("Content-Type", "application/octet-stream"))

    def _blob(self, digest: str) -> bytes:
        return (self.layout / "blobs/sha256" / digest.partition(":")[2]).read_bytes()

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    address, layout, certificate, key, login = sys.argv[1:]
    Registry.layout, Registry.login = Path(layout), login
    server = ThreadingHTTPServer((address, 443), Registry)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    print("serving", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
