"""Looks at the machine and says what Seawall would miss, and what to do about it."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from seawall.app.cgroup import limits_here
from seawall.host.world import lost_worlds

Verdict = Literal["ok", "limited", "missing"]

# Program, Debian and Ubuntu package, what Seawall does with it.
PROGRAMS = (
    ("conmon", "conmon", "keeps each container when Seawall itself ends"),
    ("skopeo", "skopeo", "pulls images"),
    ("nft", "nftables", "holds the rules of every VPC"),
    ("ip", "iproute2", "makes links and routes"),
    ("unshare", "util-linux", "makes the world"),
    ("nsenter", "util-linux", "enters it"),
    ("newuidmap", "uidmap", "maps ids into the world"),
    ("s6-svscan", "s6", "is the world's first process"),
    ("docker-registry", "docker-registry", "keeps pushed images"),
)
# What the data plane is made of, each tried in namespaces of its own.
TRIALS = (
    ("veth links", "ip link add sw0 type veth peer name sw1"),
    ("nftables", "nft add table inet t"),
    ("connection tracking", "nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; };"
     " add rule ip t c ct state established accept'"),
    ("address translation", "nft 'add table ip t; add chain ip t c { type nat hook postrouting priority 0; };"
     " add rule ip t c snat to 192.0.2.1'"),
    ("policy routing", "ip rule add fwmark 1 table 100"),
    ("overlay file systems", "d=/tmp && mount -t tmpfs t $d && mkdir $d/l $d/u $d/w $d/m &&"
     " mount -t overlay o -o lowerdir=$d/l,upperdir=$d/u,workdir=$d/w,userxattr $d/m"),
)  # fmt: skip
ENGINE_SINCE = (2, 6)
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Finding:
    """verdict   ok; limited: Seawall runs, something does not hold; missing: it does not run
    remedy    what to do, empty when nothing need be done
    """

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""

    def sentence(self) -> str:
        return f"{self.text.rstrip('.')}. {self.remedy}" if self.remedy else self.text

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def examine() -> list[Finding]:
    """All findings, the fundamental ones first."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        programs,
        _user_namespaces,
        _kernel,
        _sub_ids,
        _cgroups,
        _lost_worlds,
    )
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    text = f"{platform.python_version()} on Linux {platform.release()} {platform.machine()}"
    yield Finding("python", "ok", text)


def programs() -> Iterator[Finding]:
    """Whether all programs are here.  Quick, so that `seawall up` asks it each time."""
    runtime = next((name for name in ("crun", "runc") if shutil.which(name, path=PATH)), None)
    if runtime:
        yield Finding(runtime, "ok", "runs containers")
    else:
        yield Finding("crun", "missing", "no OCI runtime is here", "Run: apt-get install crun")
    for program, package, purpose in PROGRAMS:
        if shutil.which(program, path=PATH):
            yield Finding(program, "ok", purpose)
        else:
            yield Finding(program, "missing", f"not found; it {purpose}", f"Run: apt-get install {package}")
    yield _engine()
    if shutil.which("pasta", path=PATH):
        yield Finding("pasta", "ok", "leads to the real internet with --uplink")
    else:
        yield Finding("pasta", "limited", "not found; --uplink needs it", "Run: apt-get install passt")


def _engine() -> Finding:
    """Of load balancers; only since 2.6 does it take new servers while it runs, and some of a load balancer's
    own answers are written in Lua."""
    program = shutil.which("haproxy", path=PATH)
    if program is None:
        text = "not found; load balancers need it"
        return Finding("haproxy", "limited", text, "Run: apt-get install haproxy")
    done = subprocess.run([program, "-vv"], capture_output=True, text=True, check=False)
    version = _version(done.stdout)
    if version < ENGINE_SINCE:
        text = f"it is {'.'.join(map(str, version)) or 'of no known version'}; load balancers need 2.6"
        return Finding("haproxy", "limited", text, "Install HAProxy 2.6 or newer.")
    if "+LUA" not in done.stdout.split():
        text = "it was built without Lua; load balancers need it"
        return Finding("haproxy", "limited", text, "Install HAProxy with Lua, as Debian and Ubuntu have it.")
    return Finding("haproxy", "ok", "is the engine of load balancers")


def _version(said: str) -> tuple[int, ...]:
    """The first two numbers of "HAProxy version 2.6.12-1+deb12u4 ..."; none where it says something else."""
    words = said.split()
    if len(words) < 3 or words[1] != "version":
        return ()
    numbers = words[2].split(".")[:2]
    return tuple(int(number) for number in numbers) if all(n.isdigit() for n in numbers) else ()


def _user_namespaces() -> Iterator[Finding]:
    if _inside("true") is None:
        yield Finding("user namespaces", "ok", "may be made")
        return
    yield Finding("user namespaces", "missing", "may not be made", _namespace_remedy())


def _namespace_remedy(sysctl: Path = Path("/proc/sys")) -> str:
    """The setting that forbids it, as far as it can be seen."""
    switches = (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu 23.10 and newer
        ("kernel/unprivileged_userns_clone", "0", "1"),  # older Debian
        ("user/max_user_namespaces", "0", "15000"),
    )
    for name, forbids, allows in switches:
        path = sysctl / name
        if path.exists() and path.read_text().strip() == forbids:
            return f"As root: sysctl -w {name.replace('/', '.')}={allows}"
    return "The kernel lacks CONFIG_USER_NS, or a container or security module forbids them."


def _kernel() -> Iterator[Finding]:
    for subject, script in TRIALS:
        problem = _inside(script)
        if problem is None:
            yield Finding(subject, "ok", "possible in a user namespace")
        else:
            yield Finding(
                subject, "missing", problem, "The kernel must offer them in a user namespace (5.11 does)."
            )


def _inside(script: str) -> str | None:
    """Run a shell line as root of new namespaces.  None when it worked, else why not."""
    unshare = shutil.which("unshare", path=PATH)
    if unshare is None:
        return "unshare is not installed"
    done = subprocess.run(
        [unshare, "--user", "--map-root-user", "--net", "--mount", "sh", "-c", script],
        env={"PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def _sub_ids() -> Iterator[Finding]:
    if os.geteuid() == 0:
        yield Finding("sub-ids", "ok", "root may map any")
        return
    import pwd

    name = pwd.getpwuid(os.geteuid()).pw_name
    for file in (Path("/etc/subuid"), Path("/etc/subgid")):
        count = sub_id_count(file.read_text() if file.exists() else "", name, os.geteuid())
        if count >= 65536:
            yield Finding(str(file), "ok", f"{count} ids for {name}")
        else:
            remedy = f"As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"
            yield Finding(str(file), "missing", f"{count} ids for {name}, 65536 are needed", remedy)


def sub_id_count(text: str, name: str, user: int) -> int:
    """How many ids a subuid file gives to a user, who stands there by name or by number."""
    lines = (line.split(":") for line in text.splitlines() if line.count(":") == 2)
    return sum(int(count) for owner, _, count in lines if owner in (name, str(user)))


def _cgroups() -> Iterator[Finding]:
    limits = limits_here()
    if limits.complete:
        yield Finding("cgroups", "ok", limits.sentence())
        return
    remedy = (
        "Run Seawall in a systemd user session with Delegate=yes, or as root."
        if limits.version == 2
        else "Run Seawall as root, or boot with systemd.unified_cgroup_hierarchy=1."
    )
    yield Finding("cgroups", "limited", limits.sentence(), remedy)


def _lost_worlds() -> Iterator[Finding]:
    """What runs on although its control plane was killed and its files are gone; else nothing is said."""
    for world in lost_worlds():
        text = f"process {world.pid} runs on, but {world.state_dir} is gone"
        yield Finding("a lost world", "limited", text, f"Run: seawall --state-dir {world.state_dir} down")
