"""Images fetched by skopeo from inside a task's network namespace, with the task's resolver."""

import asyncio
import base64
import contextlib
import os
import re
import signal
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seawall.host.deadline import within
from seawall.host.ecr_login import RegistryCredentials

# In a mount namespace of its own, so that /etc/resolv.conf can be the task's; `$1` is that file.
_WITH_RESOLVER = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
# The kernel's word that the agent died reaches nobody who asks for it later; `$1` is the agent.
_UNLESS_ORPHANED = '[ "$PPID" = "$1" ] && shift && exec "$@"'
_CAUSES = (
    ("timeout", r"i/o timeout|context deadline exceeded|Client\.Timeout"),
    ("refused", r"connection refused"),
    ("unreachable", r"no route to host|network is unreachable"),
    ("dns", r"no such host|server misbehaving|Temporary failure in name resolution"),
    ("tls", r"x509:|tls:|certificate"),
    ("not_found", r"manifest unknown|name unknown|not found|repository does not exist in the registry"),
    ("denied", r"unauthorized|denied|authentication required|Not Authorized|invalid.*token"),
)


class SkopeoFailed(Exception):
    """`cause` and `address` as in `program.report.Failure`; the text is skopeo's last words."""

    def __init__(self, stderr: str) -> None:
        found = re.findall(r'msg="((?:[^"\\]|\\.)*)"', stderr)
        self.text = (found[-1].replace('\\"', '"') if found else stderr.strip())[-1000:] or "skopeo failed"
        super().__init__(self.text)
        self.cause = next((cause for cause, words in _CAUSES if re.search(words, self.text)), "other")
        address = re.search(r"dial tcp ([0-9.]+:\d+)", self.text)
        self.address = address[1] if address else None


async def fetch_image(
    network_namespace: Path | None,
    resolv_conf: str,
    ca_bundle: Path,
    reference: str,
    target: Path,
    architecture: str,
    credentials: RegistryCredentials | None,
    timeout_s: float = 600.0,
) -> None:
    """Copy an image's manifest and blobs into the folder `target`, in skopeo's `dir` layout.

    Raises SkopeoFailed.  Killed with all its children when the time is over or the caller is cancelled.
    """
    with tempfile.TemporaryDirectory(prefix="pull-", dir=target.parent) as scratch:
        command = _skopeo(Path(scratch), reference, target, architecture, credentials)
        if network_namespace is not None:
            resolver = Path(scratch) / "resolv.conf"
            resolver.write_text(resolv_conf)
            inside = ["nsenter", f"--net={network_namespace}", "unshare", "--mount", "--propagation=private"]
            command = [*inside, "sh", "-c", _WITH_RESOLVER, "sh", str(resolver), *command]
        # It serves nobody when the agent is gone.
        living = ["sh", "-c", _UNLESS_ORPHANED, "sh", str(os.getpid())]
        command = ["setpriv", "--pdeathsig=KILL", *living, *command]
        # Nothing of whoever started Seawall: no proxy, no registry logins below HOME.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": scratch}
        environment["SSL_CERT_FILE"] = str(ca_bundle)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        try:
            _, stderr = await within(timeout_s, process.communicate())
        except asyncio.TimeoutError:
            raise SkopeoFailed(f"i/o timeout: the image did not arrive within {timeout_s:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
    if process.returncode != 0:
        raise SkopeoFailed(stderr.decode(errors="replace"))


def _skopeo(
    scratch: Path,
    reference: str,
    target: Path,
    architecture: str,
    credentials: RegistryCredentials | None,
) -> Sequence[str]:
    command = ["skopeo", "--insecure-policy", f"--override-arch={architecture}", "--override-os=linux"]
    # Signatures would be looked for in a folder of the machine's root, which an ordinary user may not read.
    command += ["copy", "--quiet", "--remove-signatures", "--retry-times=1"]
    if credentials is None:
        command.append("--src-no-creds")
    else:
        # A file, because arguments can be read by every process of the world.
        auth = scratch / "auth.json"
        auth.touch(mode=0o600)
        auth.write_text(_auth_file(reference, credentials))
        command.append(f"--src-authfile={auth}")
    return [*command, f"docker://{reference}", f"dir:{target}"]


def _auth_file(reference: str, credentials: RegistryCredentials) -> str:
    pair = base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
    return msgspec.json.encode({"auths": {reference.partition("/")[0]: {"auth": pair}}}).decode()


def write_ca_bundle(target: Path, ca_file: Path | None) -> None:
    """The system's certificate authorities and Seawall's own, in one file."""
    system = ssl.get_default_verify_paths().cafile
    parts = [Path(part).read_bytes() for part in (system, ca_file) if part is not None]
    new = target.with_suffix(".new")
    new.write_bytes(b"\n".join(parts))
    new.replace(target)
