"""From a container's program and its image's config to the OCI runtime's config.json.  Pure.

Source: OCI runtime specification 1.0.2; the defaults (capabilities, masked and read-only paths, mounts) are
those of Docker and containerd, which is what a container on Fargate sees.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seawall.host.seccomp import decide
from seawall.program.task import ContainerProgram, TaskProgram

FARGATE_CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TTY_GROUP = 5


class SpecError(Exception):
    """The image and the program do not make a container; the text says why, in the runtime's words."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the host adds: where things are, and what this machine allows.

    files         bind mounts of single files: destination in the container -> path in the world
    volumes       volume of the task -> its folder in the world
    passwd, group the text of the image's /etc/passwd and /etc/group, empty where it has none
    ids           (first id in the world, how many) of the task's user namespace
    compiled_filter   what crun compiled from the same profile and capabilities before, which saves a third of
                  the time a container takes to be created; None: it compiles the profile
    hard_limits   rlimit name -> this process's hard limit, which nothing can exceed
    process_namespace   what the task's containers share; None: each has its own
    variables     this host's own, which the image and the program may say otherwise
    """

    rootfs: Path
    network_namespace: Path
    user_namespace: Path
    files: Mapping[str, Path]
    volumes: Mapping[str, Path] = {}
    passwd: str = ""
    group: str = ""
    ids: tuple[int, int]
    cgroups_path: str | None
    seccomp_profile: Mapping[str, Any]
    compiled_filter: bytes | None = None
    hard_limits: Mapping[str, int] = {}
    init: Path | None = None
    process_namespace: Path | None = None
    variables: Mapping[str, str] = {}


def runtime_spec(
    task: TaskProgram, container: ContainerProgram, image: Mapping[str, Any], around: Surroundings
) -> dict[str, Any]:
    """The whole config.json.  `image` is the `config` member of the image's configuration.

    Raises SpecError: no command, an unknown user.
    """
    capabilities = container_capabilities(container)
    uid, gid, groups = find_user(container.user or image.get("User") or "", around.passwd, around.group)
    held = list(capabilities) if uid == 0 else []
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": container.tty,
            "user": {"uid": uid, "gid": gid, "additionalGids": groups},
            "args": _arguments(container, image, around.init),
            "env": environment(
                task, container, image, home=_home(uid, around.passwd), given=around.variables
            ),
            "cwd": container.working_directory or image.get("WorkingDir") or "/",
            "capabilities": {
                "bounding": list(capabilities),
                "effective": held,
                "permitted": held,
            },
            "rlimits": _rlimits(container, around.hard_limits),
            "noNewPrivileges": False,
        },
        "root": {"path": str(around.rootfs), "readonly": container.read_only_root},
        "hostname": task.hostname[:64],
        "mounts": [*_mounts(around), *_volume_mounts(container, around)],
        "annotations": _annotations(around),
        "linux": {
            **_cgroup(container, around),
            "namespaces": _namespaces(around),
            "uidMappings": [_mapping(around)],
            "gidMappings": [_mapping(around)],
            "maskedPaths": list(MASKED_PATHS),
            "readonlyPaths": list(READ_ONLY_PATHS),
            "sysctl": dict(container.sysctls),
            "seccomp": decide(dict(around.seccomp_profile), capabilities),
        },
    }


def container_capabilities(container: ContainerProgram) -> tuple[str, ...]:
    """Docker's rule: what is dropped goes first (ALL: everything), what is added comes back."""
    dropped = {_capability(name) for name in container.drop_capabilities}
    kept = () if "CAP_ALL" in dropped else tuple(c for c in FARGATE_CAPABILITIES if c not in dropped)
    added = (_capability(name) for name in container.add_capabilities)
    return (*kept, *(c for c in added if c not in kept))


def environment(
    task: TaskProgram,
    container: ContainerProgram,
    image: Mapping[str, Any],
    *,
    home: str = "/",
    given: Mapping[str, str] | None = None,
) -> list[str]:
    """PATH, HOSTNAME and HOME, the host's own, the image's variables, the program's; the last one wins."""
    variables = {"PATH": DEFAULT_PATH, "HOSTNAME": task.hostname, "HOME": home, **(given or {})}
    for pair in image.get("Env") or ():
        name, _, value = pair.partition("=")
        variables[name] = value
    variables.update(container.environment)
    return [f"{name}={value}" for name, value in variables.items()]


def find_user(wanted: str, passwd: str, group: str) -> tuple[int, int, list[int]]:
    """uid, gid and further groups for USER or USER:GROUP, by name or number.  Raises SpecError."""
    user, _, group_wanted = wanted.partition(":")
    users = {fields[0]: fields for fields in _table(passwd, 4)}
    if not user:
        uid, gid, name = 0, 0, "root"
    elif user in users:
        uid, gid, name = int(users[user][2]), int(users[user][3]), user
    elif user.isdigit():
        known = next((f for f in users.values() if int(f[2]) == int(user)), None)
        uid, gid, name = int(user), int(known[3]) if known else 0, known[0] if known else ""
    else:
        raise SpecError(f"unable to find user {user}: no matching entries in passwd file")
    groups = {fields[0]: fields for fields in _table(group, 3)}
    if group_wanted:
        if not group_wanted.isdigit() and group_wanted not in groups:
            raise SpecError(f"unable to find group {group_wanted}: no matching entries in group file")
        gid = int(group_wanted) if group_wanted.isdigit() else int(groups[group_wanted][2])
        return uid, gid, []
    members = [int(f[2]) for f in groups.values() if len(f) > 3 and name and name in f[3].split(",")]
    return uid, gid, sorted(set(members) - {gid})


def _arguments(container: ContainerProgram, image: Mapping[str, Any], init: Path | None) -> list[str]:
    """Docker's rule: an own entry point makes the image's command void."""
    if container.entry_point is not None:
        arguments = [*container.entry_point, *(container.command or ())]
    else:
        command = container.command if container.command is not None else image.get("Cmd") or ()
        arguments = [*(image.get("Entrypoint") or ()), *command]
    if not arguments:
        raise SpecError("no command specified")
    return ["/dev/init", "--", *arguments] if container.init and init else arguments


def _home(uid: int, passwd: str) -> str:
    return next((f[5] for f in _table(passwd, 6) if int(f[2]) == uid), "/root" if uid == 0 else "/")


def _table(text: str, least: int) -> Iterable[list[str]]:
    for line in text.splitlines():
        fields = line.strip().split(":")
        if len(fields) >= least and fields[2].isdigit() and (least < 4 or fields[3].isdigit()):
            yield fields


def _mounts(around: Surroundings) -> Iterable[dict[str, Any]]:
    quiet = ["nosuid", "noexec", "nodev"]
    shared_memory = [*quiet, "mode=1777", "size=65536k"]
    terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    if around.ids[1] > TTY_GROUP:
        terminals.append(f"gid={TTY_GROUP}")
    yield _mount("/proc", "proc", "proc", quiet)
    yield _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"])
    yield _mount("/dev/pts", "devpts", "devpts", terminals)
    yield _mount("/dev/shm", "tmpfs", "shm", shared_memory)
    yield _mount("/dev/mqueue", "mqueue", "mqueue", quiet)
    yield _mount("/sys", "sysfs", "sysfs", [*quiet, "ro"])
    if around.cgroups_path:
        yield _mount("/sys/fs/cgroup", "cgroup", "cgroup", [*quiet, "relatime", "ro"])
    for destination, source in around.files.items():
        yield _mount(destination, "bind", str(source), ["bind", "rprivate"])
    if around.init:
        yield _mount("/dev/init", "bind", str(around.init), ["bind", "ro"])


def _volume_mounts(container: ContainerProgram, around: Surroundings) -> Iterable[dict[str, Any]]:
    """The shorter path first, so that one can lie in another."""
    for mount in sorted(container.mounts, key=lambda m: m.path):
        way = "ro" if mount.read_only else "rw"
        yield _mount(mount.path, "bind", str(around.volumes[mount.volume]), ["rbind", "rprivate", way])


def _mount(destination: str, kind: str, source: str, options: Sequence[str]) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def _namespaces(around: Surroundings) -> list[dict[str, str]]:
    joined = {"user": around.user_namespace, "network": around.network_namespace}
    if around.process_namespace is not None:
        joined["pid"] = around.process_namespace
    own = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup") if kind not in joined]
    return [*own, *({"type": kind, "path": str(path)} for kind, path in joined.items())]


def _mapping(around: Surroundings) -> dict[str, int]:
    first, size = around.ids
    return {"containerID": 0, "hostID": first, "size": size}


def _cgroup(container: ContainerProgram, around: Surroundings) -> dict[str, Any]:
    if around.cgroups_path is None:
        return {}
    limits = container.limits
    memory = {"limit": limits.memory_bytes, "reservation": limits.memory_reservation_bytes}
    resources: dict[str, Any] = {"memory": {k: v for k, v in memory.items() if v is not None}}
    if limits.cpu_shares is not None:
        resources["cpu"] = {"shares": limits.cpu_shares}
    return {"cgroupsPath": around.cgroups_path, "resources": resources}


def _rlimits(container: ContainerProgram, hard_limits: Mapping[str, int]) -> list[dict[str, Any]]:
    """What was asked for, as far as this machine lets it: nobody in a world can raise a hard limit."""
    found = []
    for limit in container.ulimits:
        most = hard_limits.get(limit.name, limit.hard)
        values = {"soft": min(limit.soft, most), "hard": min(limit.hard, most)}
        found.append({"type": f"RLIMIT_{limit.name.upper()}", **values})
    return found


def cut_ulimits(container: ContainerProgram, hard_limits: Mapping[str, int]) -> tuple[str, ...]:
    """Which ulimits are less than what was asked for, in words."""
    return tuple(
        f"ulimit {limit.name} {limit.soft}:{limit.hard} is cut to {most}, the hard limit of this machine"
        for limit in container.ulimits
        if (most := hard_limits.get(limit.name, limit.hard)) < limit.hard
    )


def _annotations(around: Surroundings) -> dict[str, str]:
    """crun takes a ready filter from an annotation; other runtimes ignore it and compile the profile."""
    if around.compiled_filter is None:
        return {}
    return {"run.oci.seccomp_bpf_data": base64.b64encode(around.compiled_filter).decode()}


def _capability(name: str) -> str:
    upper = name.upper()
    return upper if upper.startswith("CAP_") else f"CAP_{upper}"
