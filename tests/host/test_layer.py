"""Layers from hostile and ordinary archives."""

import gzip
import io
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from seawall.host.layer import OPAQUE_ATTRIBUTE, BadLayer, unpack_layer

ROOT = pytest.mark.skipif(os.getuid() != 0, reason="changes owners and makes whiteouts")


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime = kind, link, mode, 1_600_000_000
    return info


def archive(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in entries:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def unpacked(tmp_path: Path, *entries: tuple[tarfile.TarInfo, bytes], offset: int | None = None) -> Path:
    target = tmp_path / "layer"
    target.mkdir()
    unpack_layer(archive(tmp_path / "layer.tar", *entries), target, offset)
    return target


def test_files_links_modes_and_times(tmp_path: Path) -> None:
    layer = unpacked(
        tmp_path,
        (entry("etc", tarfile.DIRTYPE, mode=0o555), b""),
        (entry("etc/a", mode=0o640), b"content"),
        (entry("etc/b", tarfile.LNKTYPE, "etc/a"), b""),
        (entry("bin/su", mode=0o4755), b"elf"),
        (entry("tmp/link", tarfile.SYMTYPE, "/etc/a"), b""),
        (entry("run/pipe", tarfile.FIFOTYPE), b""),
    )
    assert (layer / "etc/a").read_bytes() == b"content"
    assert (layer / "etc/a").samefile(layer / "etc/b")
    assert stat.S_IMODE((layer / "etc/a").stat().st_mode) == 0o640
    assert stat.S_IMODE((layer / "bin/su").stat().st_mode) == 0o4755
    assert stat.S_IMODE((layer / "etc").stat().st_mode) == 0o555
    assert (layer / "etc").stat().st_mtime == 1_600_000_000
    assert (layer / "tmp/link").readlink() == Path("/etc/a")
    assert stat.S_ISFIFO((layer / "run/pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "a/../b", "/../evil"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadLayer, match="leads out"):
        unpacked(tmp_path, (entry(name), b"x"))
    assert not (tmp_path / "evil").exists()


def test_absolute_names_stay_inside(tmp_path: Path) -> None:
    layer = unpacked(tmp_path, (entry("/seawall-evil"), b"x"))
    assert (layer / "seawall-evil").read_bytes() == b"x"
    assert not Path("/seawall-evil").exists()


def test_a_symbolic_link_is_never_followed_on_the_way(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(BadLayer):
        unpacked(tmp_path, (entry("out", tarfile.SYMTYPE, str(outside)), b""), (entry("out/evil"), b"x"))
    assert list(outside.iterdir()) == []


def test_a_file_replaces_a_link_and_does_not_write_through_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    layer = unpacked(tmp_path, (entry("f", tarfile.SYMTYPE, str(victim)), b""), (entry("f"), b"new"))
    assert victim.read_text() == "untouched"
    assert (layer / "f").read_bytes() == b"new"


def test_a_hard_link_cannot_reach_out(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    with pytest.raises(BadLayer):
        unpacked(tmp_path, (entry("h", tarfile.LNKTYPE, "../secret"), b""))


def test_a_hard_link_through_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    with pytest.raises(BadLayer):
        unpacked(
            tmp_path,
            (entry("d", tarfile.SYMTYPE, str(tmp_path)), b""),
            (entry("h", tarfile.LNKTYPE, "d/secret"), b""),
        )


def test_a_file_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    layer = unpacked(
        tmp_path,
        (entry("d", tarfile.DIRTYPE, mode=0o755), b""),
        (entry("d/sub", tarfile.DIRTYPE, mode=0o755), b""),
        (entry("d/sub/x"), b"x"),
        (entry("d"), b"now a file"),
    )
    assert (layer / "d").read_bytes() == b"now a file"


def test_devices_are_left_out(tmp_path: Path) -> None:
    layer = unpacked(tmp_path, (entry("dev/sda", tarfile.BLKTYPE), b""), (entry("dev/x"), b""))
    assert [path.name for path in (layer / "dev").iterdir()] == ["x"]


def test_an_opaque_folder_hides_what_is_below(tmp_path: Path) -> None:
    layer = unpacked(tmp_path, (entry("d/.wh..wh..opq"), b""), (entry("d/.wh..wh.plnk"), b""))
    assert os.getxattr(layer / "d", OPAQUE_ATTRIBUTE) == b"y"
    assert list((layer / "d").iterdir()) == []


@ROOT
def test_a_whiteout_becomes_a_null_device(tmp_path: Path) -> None:
    layer = unpacked(tmp_path, (entry("d/.wh.gone"), b""), (entry("d/.wh..."), b""))
    status = (layer / "d/gone").stat()
    assert stat.S_ISCHR(status.st_mode)
    assert status.st_rdev == os.makedev(0, 0)


@ROOT
def test_owners_are_shifted_and_setuid_and_capabilities_kept(tmp_path: Path) -> None:
    program = entry("bin/ping", mode=0o4755)
    program.uid, program.gid = 10, 20
    capability = (0x02000001).to_bytes(4, "little") + (1 << 13).to_bytes(4, "little") + bytes(12)
    program.pax_headers = {"SCHILY.xattr.security.capability": capability.decode("utf-8", "surrogateescape")}
    layer = unpacked(tmp_path, (program, b"elf"), offset=1000)
    status = (layer / "bin/ping").stat()
    assert (status.st_uid, status.st_gid) == (1010, 1020)
    assert stat.S_IMODE(status.st_mode) == 0o4755
    assert os.getxattr(layer / "bin/ping", "security.capability") == capability
    assert (layer / "bin").stat().st_uid == 1000  # the image's root


@pytest.mark.parametrize("form", ["gzip", "zstd"])
def test_compressed_layers(tmp_path: Path, form: str) -> None:
    plain = archive(tmp_path / "plain.tar", (entry("f"), os.urandom(300_000)))
    packed = tmp_path / "packed"
    if form == "gzip":
        packed.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        packed.write_bytes(subprocess.run(["zstd", "-qc", plain], check=True, capture_output=True).stdout)
    target = tmp_path / "layer"
    target.mkdir()
    unpack_layer(packed, target, None)
    assert (target / "f").stat().st_size == 300_000


@pytest.mark.parametrize("form", ["gzip", "plain"])
def test_a_broken_archive_says_so(tmp_path: Path, form: str) -> None:
    data = archive(tmp_path / "plain.tar", (entry("f"), os.urandom(300_000))).read_bytes()
    broken = tmp_path / "broken"
    broken.write_bytes((gzip.compress(data) if form == "gzip" else data)[:200_000])
    (tmp_path / "layer").mkdir()
    with pytest.raises(BadLayer):
        unpack_layer(broken, tmp_path / "layer", None)
