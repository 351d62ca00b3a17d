"""Two small container images made from this machine's static busybox, as OCI image layouts.

web   port 80: a page that contains what it fetches from api over localhost; /cgi-bin/fetch?URL fetches a URL
api   port 8080: one line of text, at / and at /cgi-bin/hello
both  /revision.txt: what the variable REVISION says
"""

import base64
import gzip
import hashlib
import io
import json
import platform
import struct
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seawall.app.clients import Clients
from seawall.app.failure import UNPREPARED, CommandFailed
from seawall.app.running import Running

BUSYBOX = (Path("/bin/busybox"), Path("/usr/bin/busybox"))
APPLETS = (
    *(
        "cat",
        "date",
        "echo",
        "env",
        "grep",
        "head",
        "hostname",
        "httpd",
        "id",
        "ip",
        "kill",
        "ls",
        "mount",
        "nc",
    ),
    *("nslookup", "ping", "ps", "sed", "sh", "sleep", "sort", "tail", "timeout", "touch", "vi", "wc", "wget"),
)
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# The shell stays process 1 and hands SIGTERM on: a process 1 that does not ask for a signal never gets it.
# `timeout`, because the option -T crashes Debian's static wget.
_START = """#!/bin/sh
echo "{name} starts on $(hostname)"
{first}
httpd -f -p {port} -h /www &
trap 'echo "{name} was told to stop"; kill $!; exit 0' TERM
echo "{name} listens on port {port}"
wait
"""
_CALL_HOME = '[ -z "$CALL_HOME" ] || echo "the internet sees me as $(timeout 20 wget -qO- "$CALL_HOME")"'
_REVISION = 'echo "revision ${REVISION:-1}" > /www/revision.txt'
_WEB_PAGE = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "This is web on $(hostname)."
echo "address: $(ip -4 -o addr show eth1 | sed 's/.* inet \\([0-9.]*\\).*/\\1/')"
echo "api says: $(timeout 5 wget -qO- http://localhost:8080/)"
echo "web served a page" > /proc/1/fd/1
"""
_FETCH = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
timeout 5 wget -qO- "$QUERY_STRING" 2>&1 || echo "wget failed"
"""
_API_PAGE = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "hello from api on $(hostname)"
echo "api answered $REMOTE_ADDR" > /proc/1/fd/1
"""

IMAGES: Mapping[str, Mapping[str, str]] = {
    "web": {
        "bin/start": _START.format(name="web", port=80, first=f"{_REVISION}\n{_CALL_HOME}"),
        "www/cgi-bin/index.cgi": _WEB_PAGE,
        "www/cgi-bin/fetch": _FETCH,
    },
    "api": {
        "bin/start": _START.format(name="api", port=8080, first=_REVISION),
        "www/cgi-bin/index.cgi": _API_PAGE,
        "www/cgi-bin/hello": _API_PAGE,
    },
}


def web_image(directory: Path) -> Path:
    """The image `web` as an OCI layout below `directory`."""
    return build("web", directory)


def api_image(directory: Path) -> Path:
    """The image `api` as an OCI layout below `directory`."""
    return build("api", directory)


def push_image(
    make: Callable[[Path], Path], *, running: Running, repository: str, tag: str = "latest"
) -> None:
    """Make an image and push it as anybody would: skopeo, with a token that ECR gave out.

    Raises CommandFailed with skopeo's words.
    """
    token = Clients(running).ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    target = f"docker://{running.url.partition('://')[2]}/{repository}:{tag}"
    with tempfile.TemporaryDirectory(prefix="seawall-image-") as directory:
        source = f"oci:{make(Path(directory))}"
        # fmt: off
        done = subprocess.run(
            ["skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false",
             "--dest-creds", base64.b64decode(token).decode(), source, target],
            capture_output=True, text=True, check=False,
        )
        # fmt: on
    if done.returncode:
        raise CommandFailed(f"skopeo could not push {repository}:{tag}: {done.stderr.strip()}")


def build(name: str, directory: Path) -> Path:
    """Write the image as an OCI layout into `directory/name` and return that path."""
    layer = _layer(find_busybox().read_bytes(), IMAGES[name])
    layout = directory / name
    (layout / "blobs/sha256").mkdir(parents=True)
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Cmd": ["/bin/start"], "Env": ["PATH=/bin"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    packed = gzip.compress(layer, 6, mtime=0)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(layout, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [_blob(layout, packed, "application/vnd.oci.image.layer.v1.tar+gzip")],
    }
    described = _blob(layout, json.dumps(manifest).encode(), str(manifest["mediaType"]))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    return layout


def find_busybox(candidates: tuple[Path, ...] = BUSYBOX) -> Path:
    """A busybox that needs no library.  Raises CommandFailed."""
    for path in candidates:
        if path.exists() and is_static(path.read_bytes()):
            return path
    raise CommandFailed("a static busybox is needed: apt-get install busybox-static", status=UNPREPARED)


def is_static(program: bytes) -> bool:
    """Whether a 64-bit little-endian ELF program names no dynamic loader (a program header PT_INTERP)."""
    if program[:6] != b"\x7fELF\x02\x01":
        return False
    table, size, count = *struct.unpack_from("<Q", program, 32), *struct.unpack_from("<HH", program, 54)
    types = [struct.unpack_from("<I", program, table + index * size)[0] for index in range(count)]
    return 3 not in types


def _layer(busybox: bytes, scripts: Mapping[str, str]) -> bytes:
    """The root file system as a tar archive, the same bytes every time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for directory in ("bin", "etc", "tmp", "www", "www/cgi-bin"):
            _add(tar, directory, tarfile.DIRTYPE, mode=0o1777 if directory == "tmp" else 0o755)
        _add(tar, "bin/busybox", tarfile.REGTYPE, busybox)
        for applet in APPLETS:
            _add(tar, f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        _add(tar, "etc/passwd", tarfile.REGTYPE, b"root:x:0:0:root:/:/bin/sh\n", mode=0o644)
        # Without this the C library asks DNS before /etc/hosts, for localhost too.
        _add(tar, "etc/nsswitch.conf", tarfile.REGTYPE, b"hosts: files dns\n", mode=0o644)
        for path, text in scripts.items():
            _add(tar, path, tarfile.REGTYPE, text.encode())
    return out.getvalue()


def _add(
    tar: tarfile.TarFile, name: str, kind: bytes, content: bytes = b"", *, mode: int = 0o755, link: str = ""
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(content)
    tar.addfile(entry, io.BytesIO(content))


def _blob(layout: Path, content: bytes, media_type: str) -> dict[str, Any]:
    digest = _digest(content)
    (layout / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
