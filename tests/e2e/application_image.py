"""An image with an application's runtime: this machine's Debian Python, and boto3 as PyPI has it."""

import gzip
import hashlib
import importlib.util
import io
import json
import platform
import secrets
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from seawall.app.demo.images import ARCHITECTURES

PYTHON = Path("/usr/bin/python3").resolve()
LIBRARIES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
SERVICES = ("secretsmanager", "s3", "sts", "ssm", "kms", "logs")
SHELL = Path("/bin/busybox")


def build_application(directory: Path) -> Path:
    """The image as an OCI layout below `directory`; about 20 MB, made in a few seconds."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("tmp", "etc", "proc", "dev"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        for source in sorted(_system_files()):
            _add(tar, source, str(source))
        for source, target in _libraries():
            _add(tar, source, f"usr/local/app/{target}")
        _add(tar, SHELL, "bin/sh")
    return _layout(directory / "application", layer.getvalue(), [str(PYTHON)])


def build_small(directory: Path) -> Path:
    """An image that no machine has yet: a shell, and a file with a number nobody had before."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, SHELL, "bin/sh")
        fresh = tarfile.TarInfo("fresh")
        fresh.size = 16
        tar.addfile(fresh, io.BytesIO(secrets.token_bytes(16)))
    return _layout(directory / "small", layer.getvalue(), ["/bin/sh"])


def _system_files() -> set[Path]:
    """The interpreter, its library, and all that they are linked with."""
    root = Path(subprocess.check_output([PYTHON, "-c", "import os; print(os.__file__)"], text=True)).parent
    modules = {
        path
        for path in root.rglob("*")
        if path.is_file() and not {"test", "__pycache__", "idlelib", "ensurepip"} & set(path.parts)
    }
    linked = {PYTHON, *(path for path in modules if path.suffix == ".so")}
    said = subprocess.check_output(["ldd", *map(str, sorted(linked))], text=True)
    needed = {Path(word) for word in said.split() if word.startswith("/") and not word.endswith(":")}
    # Names are looked up by a library that nothing is linked with.
    resolvers = {p for folder in {n.parent for n in needed} for p in folder.glob("libnss_*.so.2")}
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    return {PYTHON, *modules, *needed, *resolvers, *([bundle] if bundle.exists() else [])}


def _libraries() -> list[tuple[Path, str]]:
    """boto3 and what it needs; of botocore's models those of the services that are used."""
    found: list[tuple[Path, str]] = []
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None, f"{name} is not installed"
        top = Path(spec.origin)
        if top.name != "__init__.py":
            found.append((top, top.name))
            continue
        for path in sorted(top.parent.rglob("*")):
            inside = path.relative_to(top.parent)
            model = inside.parts[0] == "data" and len(inside.parts) > 2 and name == "botocore"
            if (
                path.is_file()
                and "__pycache__" not in path.parts
                and not (model and inside.parts[1] not in SERVICES)
            ):
                found.append((path, f"{name}/{inside}"))
    return found


def _add(tar: tarfile.TarFile, source: Path, target: str) -> None:
    content = source.read_bytes()
    entry = tarfile.TarInfo(target.lstrip("/"))
    entry.size, entry.mode = len(content), 0o755 if source.stat().st_mode & 0o111 else 0o644
    tar.addfile(entry, io.BytesIO(content))


def _layout(layout: Path, layer: bytes, entry_point: list[str]) -> Path:
    (layout / "blobs/sha256").mkdir(parents=True)
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {
            "Entrypoint": entry_point,
            "Env": ["PATH=/usr/bin:/bin", "PYTHONPATH=/usr/local/app", "PYTHONDONTWRITEBYTECODE=1"],
        },
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(layout, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [
            _blob(layout, gzip.compress(layer, 1, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
        ],
    }
    described = _blob(layout, json.dumps(manifest).encode(), str(manifest["mediaType"]))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    return layout


def _blob(layout: Path, content: bytes, media_type: str) -> dict[str, Any]:
    digest = _digest(content)
    (layout / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
