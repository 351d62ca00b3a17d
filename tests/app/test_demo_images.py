"""The demonstration's images, read back as any OCI tool would."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from seawall.app.demo.images import IMAGES, build, find_busybox, is_static
from seawall.app.demo.ledger import Ledger
from seawall.app.failure import CommandFailed


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_every_blob_is_what_its_digest_says(name: str, tmp_path: Path) -> None:
    layout = build(name, tmp_path)
    for blob in (layout / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    (described,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = json.loads(blob_of(layout, described["digest"]))
    config = json.loads(blob_of(layout, manifest["config"]["digest"]))
    layer = gzip.decompress(blob_of(layout, manifest["layers"][0]["digest"]))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.getmember(config["config"]["Cmd"][0].lstrip("/")).mode == 0o755
        assert tar.getmember("bin/sh").linkname == "busybox"


def blob_of(layout: Path, digest: str) -> bytes:
    return (layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def test_the_same_image_twice_is_the_same_image(tmp_path: Path) -> None:
    first, second = (build("web", tmp_path / place) for place in ("a", "b"))
    assert (first / "index.json").read_bytes() == (second / "index.json").read_bytes()


@pytest.mark.parametrize(("name", "path"), [(n, p) for n, files in IMAGES.items() for p in files])
def test_every_script_is_one_the_shell_understands(name: str, path: str) -> None:
    script = IMAGES[name][path]
    done = subprocess.run([str(find_busybox()), "sh", "-n"], input=script, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_program_that_needs_a_loader_is_not_static(tmp_path: Path) -> None:
    assert is_static(find_busybox().read_bytes())
    assert not is_static(Path("/bin/sh").resolve().read_bytes())
    assert not is_static(b"#!/bin/sh\n")
    with pytest.raises(CommandFailed, match="busybox-static"):
        find_busybox((Path("/bin/sh"), tmp_path / "absent"))


def test_a_ledger_is_good_only_when_something_held_and_nothing_failed() -> None:
    out = io.StringIO()
    ledger = Ledger(out)
    assert not ledger.good
    ledger.line("the sky", expected="blue", happened="blue", held=True)
    assert ledger.good
    ledger.line("the sea", expected="wet", happened="dry", held=False)
    ledger.line("the sand", expected="dry", happened="dry", held=True)
    assert not ledger.good
    ledger.close()
    assert "FAIL  the sea: expected wet; happened: dry" in out.getvalue()
    assert "1 DID NOT HOLD: 2 of 3" in out.getvalue()
