"""The local certificate authority: what it signs is accepted for AWS's names, and nothing else is."""

import os
import ssl
from pathlib import Path

import pytest

from seawall.app.certificates import Certificates


def made(folder: Path, account: str = "123456789012", region: str = "us-east-1") -> Certificates:
    certificates = Certificates(folder / "tls", account=account, region=region)
    certificates.ensure()
    return certificates


def handshake(certificates: Certificates, host: str, ca: Path) -> None:
    """A whole TLS handshake in memory; raises ssl.SSLError when the client refuses."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificates.server, certificates.server_key)
    client_context = ssl.create_default_context(cafile=str(ca))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    open_ends = [client, server]
    while open_ends:
        for end in tuple(open_ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            open_ends.remove(end)


@pytest.mark.parametrize(
    "host",
    [
        "logs.us-east-1.amazonaws.com",
        "sts.amazonaws.com",
        "api.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "my-bucket.s3.us-east-1.amazonaws.com",
        "vpce-0123456789abcdef0-abcd1234-us-east-1a.logs.us-east-1.vpce.amazonaws.com",
        "vpce-0123456789abcdef0-abcd1234.api.ecr.us-east-1.vpce.amazonaws.com",
    ],
)
def test_every_name_of_aws_is_accepted(tmp_path: Path, host: str) -> None:
    certificates = made(tmp_path)
    handshake(certificates, host, certificates.ca)


def test_other_names_and_other_authorities_are_refused(tmp_path: Path) -> None:
    certificates, stranger = made(tmp_path / "a"), made(tmp_path / "b")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificates, "example.com", certificates.ca)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificates, "sts.amazonaws.com", stranger.ca)


def test_keys_are_the_owners_alone(tmp_path: Path) -> None:
    certificates = made(tmp_path)
    for key in (certificates.server_key, certificates.ca.with_name("ca.key")):
        assert key.stat().st_mode & 0o777 == 0o600
    assert certificates.ca.parent.stat().st_mode & 0o777 == 0o700


def test_a_second_start_keeps_them_and_a_new_region_gets_a_new_one(tmp_path: Path) -> None:
    first = made(tmp_path)
    before = first.server.read_bytes(), first.ca.read_bytes()
    again = made(tmp_path)
    assert (again.server.read_bytes(), again.ca.read_bytes()) == before
    moved = made(tmp_path, region="eu-west-1")
    assert moved.ca.read_bytes() == before[1]
    assert moved.server.read_bytes() != before[0]
    handshake(moved, "logs.eu-west-1.amazonaws.com", moved.ca)
    assert os.access(moved.ca, os.R_OK)
