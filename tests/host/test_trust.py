"""One certificate more in the bundles of an image, whatever its layout."""

import os
from pathlib import Path

import pytest

from seawall.host.trust import add_authority, inside

CA = b"-----BEGIN CERTIFICATE-----\nseawall\n-----END CERTIFICATE-----\n"
OLD = b"-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n"


def write(root: Path, name: str, content: bytes = OLD) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def add(root: Path) -> dict[str, str]:
    return add_authority(root, CA, os.getuid()).variables


def test_debians_bundle_and_the_source_it_is_made_of(tmp_path: Path) -> None:
    bundle = write(tmp_path, "etc/ssl/certs/ca-certificates.crt")
    assert add(tmp_path) == {
        "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
        "NODE_EXTRA_CA_CERTS": "/usr/local/share/ca-certificates/seawall.crt",
    }
    assert bundle.read_bytes() == OLD + b"\n" + CA
    assert (tmp_path / "usr/local/share/ca-certificates/seawall.crt").read_bytes() == CA


def test_absolute_links_are_followed_inside_and_each_file_gets_it_once(tmp_path: Path) -> None:
    real = write(tmp_path, "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")
    (tmp_path / "etc/pki/tls/certs").mkdir(parents=True)
    (tmp_path / "etc/pki/tls/certs/ca-bundle.crt").symlink_to(
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
    )
    (tmp_path / "etc/pki/ca-trust/source/anchors").mkdir(parents=True)
    assert add(tmp_path)["AWS_CA_BUNDLE"] == "/etc/pki/tls/certs/ca-bundle.crt"
    assert real.read_bytes().count(b"seawall") == 1
    assert (tmp_path / "etc/pki/ca-trust/source/anchors/seawall.pem").read_bytes() == CA


def test_an_empty_image_gets_a_bundle(tmp_path: Path) -> None:
    assert add(tmp_path)["AWS_CA_BUNDLE"] == "/etc/ssl/certs/ca-certificates.crt"
    assert (tmp_path / "etc/ssl/certs/ca-certificates.crt").read_bytes().endswith(CA)


def test_no_link_leads_out_of_the_image(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/ca-certificates.crt")
    root = tmp_path / "root"
    (root / "etc/ssl").mkdir(parents=True)
    (root / "etc/ssl/certs").symlink_to("../../../outside")
    add(root)
    assert outside.read_bytes() == OLD
    assert inside(root, "etc/ssl/certs/x") is None or root in inside(root, "etc/ssl/certs/x").parents  # type: ignore[union-attr]


@pytest.mark.parametrize("target", ["/loop", "loop"])
def test_circles_end(tmp_path: Path, target: str) -> None:
    (tmp_path / "loop").symlink_to(target)
    assert inside(tmp_path, "loop/x") is None
