"""The OCI config a container's program and its image come to; pure, no container is made."""

from pathlib import Path
from typing import Any

import pytest

from seawall.host.oci_spec import (
    FARGATE_CAPABILITIES,
    SpecError,
    Surroundings,
    container_capabilities,
    cut_ulimits,
    environment,
    find_user,
    runtime_spec,
)
from seawall.program.task import ContainerLimits, ContainerProgram, ImageSource, TaskProgram, Ulimit

PROFILE: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "archMap": [],
    "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_PTRACE"]}},
    ],
}
PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:Web,,,:/srv/web:/bin/sh\nbroken line\n"
GROUP = "root:x:0:\nweb:x:1001:\nlogs:x:2000:web,other\nempty:x:3000:\n"


def container(**members: Any) -> ContainerProgram:
    return ContainerProgram(
        name="app", runtime_id="t-app", image=ImageSource(reference="registry/app:1"), **members
    )


def task(*containers: ContainerProgram) -> TaskProgram:
    return TaskProgram(
        id="t",
        namespace="task-t",
        hostname="ip-10-0-0-5.ec2.internal",
        hosts="",
        resolv_conf="",
        cpu_quota=0.25,
        memory_bytes=1 << 29,
        containers=containers,
    )


def spec(program: ContainerProgram, image: dict[str, Any] | None = None, **around: Any) -> dict[str, Any]:
    surroundings: dict[str, Any] = {
        "rootfs": Path("/stage/rootfs/t-app"),
        "network_namespace": Path("/run/netns/task-t"),
        "user_namespace": Path("/run/userns/task-t"),
        "files": {"/etc/hosts": Path("/stage/files/t/hosts")},
        "passwd": PASSWD,
        "group": GROUP,
        "ids": (1, 65536),
        "cgroups_path": "/seawall-w/t/t-app",
        "seccomp_profile": PROFILE,
        **around,
    }
    image = {"Cmd": ["/bin/app"]} if image is None else image
    return runtime_spec(task(program), program, image, Surroundings(**surroundings))


@pytest.mark.parametrize(
    ("entry_point", "command", "image", "expected"),
    [
        (None, None, {"Entrypoint": ["/e"], "Cmd": ["c"]}, ["/e", "c"]),
        (None, ("d",), {"Entrypoint": ["/e"], "Cmd": ["c"]}, ["/e", "d"]),
        (("/f",), None, {"Entrypoint": ["/e"], "Cmd": ["c"]}, ["/f"]),
        (("/f",), ("d",), {"Entrypoint": ["/e"], "Cmd": ["c"]}, ["/f", "d"]),
        (None, ("d",), {"Entrypoint": None, "Cmd": ["c"]}, ["d"]),
    ],
)
def test_entry_point_and_command_join_as_docker_joins_them(
    entry_point: tuple[str, ...] | None,
    command: tuple[str, ...] | None,
    image: dict[str, Any],
    expected: list[str],
) -> None:
    made = spec(container(entry_point=entry_point, command=command), image)
    assert made["process"]["args"] == expected


def test_a_container_without_any_command_is_refused() -> None:
    with pytest.raises(SpecError, match="no command specified"):
        spec(container(), {})


def test_an_init_goes_before_the_command_and_is_mounted() -> None:
    made = spec(container(init=True), init=Path("/usr/bin/catatonit"))
    assert made["process"]["args"] == ["/dev/init", "--", "/bin/app"]
    (mount,) = [m for m in made["mounts"] if m["destination"] == "/dev/init"]
    assert mount["source"] == "/usr/bin/catatonit"
    assert "ro" in mount["options"]


def test_environment_the_last_one_wins() -> None:
    program = container(environment=(("B", "program"), ("HOSTNAME", "mine")))
    image = {"Env": ["A=image", "B=image", "C=a=b", "PATH=/only"]}
    found = environment(task(program), program, image, home="/root")
    assert dict(pair.split("=", 1) for pair in found) == {
        "PATH": "/only",
        "HOSTNAME": "mine",
        "HOME": "/root",
        "A": "image",
        "B": "program",
        "C": "a=b",
    }
    assert len(found) == 6


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", (0, 0, [])),
        ("web", (1000, 1001, [2000])),
        ("1000", (1000, 1001, [2000])),
        ("1234", (1234, 0, [])),
        ("web:logs", (1000, 2000, [])),
        ("web:77", (1000, 77, [])),
        ("5:6", (5, 6, [])),
    ],
)
def test_users_by_name_and_number(wanted: str, expected: tuple[int, int, list[int]]) -> None:
    assert find_user(wanted, PASSWD, GROUP) == expected


@pytest.mark.parametrize("wanted", ["nobody", "web:nobody"])
def test_an_unknown_user_or_group_is_refused(wanted: str) -> None:
    with pytest.raises(SpecError, match=r"unable to find (user|group) nobody: no matching entries in"):
        find_user(wanted, PASSWD, GROUP)


def test_the_programs_user_goes_before_the_images_and_sets_home() -> None:
    made = spec(container(user="web"), {"Cmd": ["a"], "User": "0"})
    assert made["process"]["user"] == {"uid": 1000, "gid": 1001, "additionalGids": [2000]}
    assert "HOME=/srv/web" in made["process"]["env"]


def test_only_root_holds_the_capabilities_others_may_still_gain_them() -> None:
    assert spec(container())["process"]["capabilities"]["effective"] == list(FARGATE_CAPABILITIES)
    made = spec(container(user="web"))["process"]["capabilities"]
    assert made["effective"] == made["permitted"] == []
    assert made["bounding"] == list(FARGATE_CAPABILITIES)


def test_capabilities_are_those_of_fargate() -> None:
    held = container_capabilities(container())
    assert len(held) == 14
    assert {"CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE"}.isdisjoint(held)


def test_adding_and_dropping_capabilities() -> None:
    added = container_capabilities(container(add_capabilities=("SYS_PTRACE",)))
    assert added == (*FARGATE_CAPABILITIES, "CAP_SYS_PTRACE")
    dropped = container_capabilities(container(drop_capabilities=("NET_RAW", "MKNOD")))
    assert set(FARGATE_CAPABILITIES) - set(dropped) == {"CAP_NET_RAW", "CAP_MKNOD"}
    assert container_capabilities(container(drop_capabilities=("ALL",))) == ()


def test_a_capability_opens_its_system_calls() -> None:
    names = [rule["names"] for rule in spec(container())["linux"]["seccomp"]["syscalls"]]
    assert ["ptrace"] not in names
    opened = spec(container(add_capabilities=("SYS_PTRACE",)))["linux"]["seccomp"]["syscalls"]
    assert ["ptrace"] in [rule["names"] for rule in opened]
    assert all("includes" not in rule for rule in opened)  # runtimes do not know that member


def test_rlimits_stop_at_what_the_machine_allows() -> None:
    limits = (Ulimit(name="nofile", soft=1024, hard=65535), Ulimit(name="core", soft=0, hard=0))
    made = spec(container(ulimits=limits), hard_limits={"nofile": 20_000})
    assert made["process"]["rlimits"] == [
        {"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 20_000},
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
    ]


def test_a_ulimit_that_was_cut_is_said() -> None:
    limits = (Ulimit(name="nofile", soft=1024, hard=65535), Ulimit(name="core", soft=0, hard=0))
    text = "ulimit nofile 1024:65535 is cut to 20000, the hard limit of this machine"
    assert cut_ulimits(container(ulimits=limits), {"nofile": 20_000}) == (text,)
    assert cut_ulimits(container(ulimits=limits), {"nofile": 65_535}) == ()


def test_namespaces_of_the_task_are_joined_and_the_others_are_its_own() -> None:
    found = {n["type"]: n.get("path") for n in spec(container())["linux"]["namespaces"]}
    assert found == {
        "pid": None,
        "ipc": None,
        "uts": None,
        "mount": None,
        "cgroup": None,
        "user": "/run/userns/task-t",
        "network": "/run/netns/task-t",
    }


def test_resources_are_only_what_was_asked_for() -> None:
    limits = ContainerLimits(cpu_shares=256, memory_bytes=1 << 28)
    linux = spec(container(limits=limits))["linux"]
    assert linux["cgroupsPath"] == "/seawall-w/t/t-app"
    assert linux["resources"]["memory"] == {"limit": 1 << 28}
    assert linux["resources"]["cpu"] == {"shares": 256}


def test_where_limits_cannot_hold_no_group_is_asked_for() -> None:
    made = spec(container(limits=ContainerLimits(memory_bytes=1 << 28)), cgroups_path=None)
    assert "cgroupsPath" not in made["linux"]
    assert "/sys/fs/cgroup" not in [m["destination"] for m in made["mounts"]]


def test_the_kernels_own_files_are_hidden_or_read_only() -> None:
    linux = spec(container())["linux"]
    assert {"/proc/kcore", "/proc/keys", "/sys/firmware"} <= set(linux["maskedPaths"])
    assert {"/proc/sys", "/proc/sysrq-trigger"} <= set(linux["readonlyPaths"])


def test_a_terminal_group_needs_that_id() -> None:
    def options(ids: tuple[int, int]) -> list[str]:
        (pts,) = [m for m in spec(container(), ids=ids)["mounts"] if m["destination"] == "/dev/pts"]
        return list(pts["options"])

    assert "gid=5" in options((1, 65536))
    assert "gid=5" not in options((0, 1))


def test_root_sysctls_and_working_directory() -> None:
    program = container(read_only_root=True, sysctls=(("net.core.somaxconn", "1024"),))
    made = spec(program, {"Cmd": ["a"], "WorkingDir": "/srv"})
    assert made["root"] == {"path": "/stage/rootfs/t-app", "readonly": True}
    assert made["linux"]["sysctl"] == {"net.core.somaxconn": "1024"}
    assert made["process"]["cwd"] == "/srv"
    assert (
        spec(container(working_directory="/w"), {"Cmd": ["a"], "WorkingDir": "/srv"})["process"]["cwd"]
        == "/w"
    )
    assert len(made["hostname"]) <= 64
