"""Seawall's certificate authority, put where programs in a container look for the ones they trust.

The image's own bundles get one certificate more, so that AWS's names inside the VPC are believed and all else
is believed as before.  It happens in the container's own layer, before it starts: a program that renews the
bundles finds the certificate among its sources, too.
"""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Where distributions keep the bundle; crypto/x509 of Go and OpenSSL's builds look at the same places.
BUNDLES = (
    "etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Amazon Linux
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/ca-bundle.pem",  # openSUSE
    "etc/ssl/cert.pem",  # Alpine
)
ANCHORS = ("etc/pki/ca-trust/source/anchors",)  # taken up when bundles are renewed, where they are
OWN = "usr/local/share/ca-certificates/seawall.crt"
MOST_LINKS = 40


class Trust(NamedTuple):
    """Absolute paths in the container: a bundle with all authorities, and Seawall's certificate alone."""

    bundle: str
    certificate: str

    @property
    def variables(self) -> dict[str, str]:
        """For runtimes that bring bundles of their own and have a variable for another one."""
        return {"AWS_CA_BUNDLE": self.bundle, "NODE_EXTRA_CA_CERTS": self.certificate}


def add_authority(rootfs: Path, certificate: bytes, owner: int) -> Trust:
    """Make a container that does not run yet trust `certificate` (PEM).

    owner   the id that new files belong to.  An image without any bundle gets this machine's.
    Raises OSError.
    """
    done: dict[Path, str] = {}
    for name in BUNDLES:
        path = inside(rootfs, name)
        if path is not None and path.is_file() and path not in done:
            with open(path, "ab") as bundle:
                bundle.write(b"\n" + certificate)
            done[path] = name
    first = next(iter(done.values()), None)
    if first is None:
        first = BUNDLES[0]
        system = ssl.get_default_verify_paths().cafile
        known = Path(system).read_bytes() if system else b""
        _write(rootfs, first, known + b"\n" + certificate, owner)
    _write(rootfs, OWN, certificate, owner)
    for folder in ANCHORS:
        found = inside(rootfs, folder)
        if found is not None and found.is_dir():
            _write(rootfs, f"{folder}/seawall.pem", certificate, owner)
    return Trust(f"/{first}", f"/{OWN}")


def inside(rootfs: Path, name: str) -> Path | None:
    """Where a path of the container is on this machine, its links followed as the container would.

    None when a link leads nowhere, or in a circle.  What is last in the path need not exist.
    """
    parts = [*reversed(Path(name).parts)]
    place: list[str] = []
    links = 0
    while parts:
        part = parts.pop()
        if part in ("/", "."):
            place = [] if part == "/" else place
        elif part == "..":
            place = place[:-1]
        elif rootfs.joinpath(*place, part).is_symlink():
            links += 1
            if links > MOST_LINKS:
                return None
            parts += reversed(rootfs.joinpath(*place, part).readlink().parts)
        else:
            place.append(part)
            if parts and not rootfs.joinpath(*place).is_dir():
                return None
    return rootfs.joinpath(*place)


def _write(rootfs: Path, name: str, content: bytes, owner: int) -> None:
    folder, _, last = name.rpartition("/")
    for step in _steps(folder):
        path = inside(rootfs, step)
        if path is None:
            return  # the image has something else in this place
        if not path.exists():
            path.mkdir(mode=0o755)
            os.chown(path, owner, owner)
    path = inside(rootfs, f"{folder}/{last}")
    if path is not None:
        path.write_bytes(content)
        path.chmod(0o644)
        os.chown(path, owner, owner)


def _steps(folder: str) -> Iterator[str]:
    parts = folder.split("/")
    return ("/".join(parts[: count + 1]) for count in range(len(parts)))
