"""The layer with Seawall's authority: what it is made of, for which images it is, and how many there are."""

import os
from pathlib import Path

import pytest

from seawall.host import authority
from seawall.host.authority import MOST_BELOW, AuthorityLayers
from seawall.host.trust import Trust

CA = b"-----BEGIN CERTIFICATE-----\nseawall\n-----END CERTIFICATE-----\n"
TRUST = Trust("/etc/ssl/certs/ca-certificates.crt", "/usr/local/share/ca-certificates/seawall.crt")
BASE, TOP = Path("/layers/base"), Path("/layers/top")


class Disk:
    def __init__(self, root: Path) -> None:
        self.folder, self.scratch, self.upper = (root / name for name in ("layers", "tmp", "upper"))
        for made in (self.folder, self.scratch, self.upper):
            made.mkdir()
        bundle = self.upper / "etc/ssl/certs/ca-certificates.crt"
        bundle.parent.mkdir(parents=True)
        bundle.write_bytes(CA)
        bundle.chmod(0o640)
        bundle.parent.chmod(0o711)
        os.utime(bundle, (5, 5))
        self.layers = AuthorityLayers(self.folder, self.scratch)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_what_was_found_out_once_is_known(disk: Disk) -> None:
    assert disk.layers.of((BASE, TOP), CA) is None
    disk.layers.keep((BASE, TOP), CA, disk.upper, TRUST)
    known = disk.layers.of((BASE, TOP), CA)
    assert known is not None
    assert known.trust == TRUST
    copy = known.layer / "etc/ssl/certs/ca-certificates.crt"
    assert (copy.read_bytes(), copy.stat().st_mode & 0o777, copy.stat().st_mtime) == (CA, 0o640, 5)
    assert copy.parent.stat().st_mode & 0o777 == 0o711
    assert not list(disk.scratch.iterdir())


@pytest.mark.parametrize(("layers", "certificate"), [((TOP, BASE), CA), ((BASE,), CA), ((BASE, TOP), CA * 2)])
def test_another_image_or_another_authority_needs_its_own(
    disk: Disk, layers: tuple[Path, ...], certificate: bytes
) -> None:
    disk.layers.keep((BASE, TOP), CA, disk.upper, TRUST)
    assert disk.layers.of(layers, certificate) is None


def test_one_that_is_gone_is_not_mounted(disk: Disk) -> None:
    disk.layers.keep((BASE,), CA, disk.upper, TRUST)
    disk.folder.joinpath(*disk.names).rename(disk.scratch / "gone")
    assert disk.layers.of((BASE,), CA) is None


def test_there_must_be_room_for_one_more_in_the_options_of_a_mount(disk: Disk) -> None:
    many = tuple(Path(f"/layers/{number}") for number in range(MOST_BELOW + 1))
    disk.layers.keep(many, CA, disk.upper, TRUST)
    assert disk.layers.of(many, CA) is None
    assert disk.names == []


def test_what_is_no_file_is_not_taken_over(disk: Disk) -> None:
    (disk.upper / "link").symlink_to("/etc/passwd")
    disk.layers.keep((BASE,), CA, disk.upper, TRUST)
    assert disk.layers.of((BASE,), CA) is None
    assert (disk.names, list(disk.scratch.iterdir())) == ([], [])


def test_the_one_not_used_for_longest_goes_unless_something_stands_on_it(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authority, "MOST", 2)
    for layer in (BASE, TOP):
        disk.layers.keep((layer,), CA, disk.upper, TRUST)
    first, second = disk.names
    disk.layers.of((BASE,), CA)
    disk.layers.keep((BASE, TOP), CA, disk.upper, TRUST)
    assert disk.layers.of((TOP,), CA) is None
    assert second not in disk.names
    monkeypatch.setattr(authority, "mounted_layers", lambda: frozenset({first}))
    disk.layers.keep((TOP,), CA, disk.upper, TRUST)
    assert disk.layers.of((BASE,), CA) is None
    assert first in disk.names
