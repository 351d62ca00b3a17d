"""What a container is made from: its root file system, and what this host puts around it."""

import os
import resource
from collections.abc import Mapping
from pathlib import Path

from seawall.host.host import Host
from seawall.host.images import Image
from seawall.host.mounts import mount_overlay
from seawall.host.namespaces import task_id_map
from seawall.host.oci_spec import Surroundings, container_capabilities
from seawall.host.trust import add_authority
from seawall.host.volumes import Volumes
from seawall.program.task import ContainerProgram, TaskProgram

RLIMITS = {n[7:].lower(): getattr(resource, n) for n in dir(resource) if n.startswith("RLIMIT_")}


class Bundle:
    """Of one container, in `folder`; its root is mounted at `rootfs`."""

    def __init__(
        self, host: Host, task: TaskProgram, program: ContainerProgram, folder: Path, rootfs: Path
    ) -> None:
        self._host = host
        self._task = task
        self._program = program
        self._folder = folder
        self._rootfs = rootfs
        self._trusted: Mapping[str, str] = {}

    def mount(self, image: Image) -> None:
        """Mount its root, with Seawall's authority among those it trusts.  Raises OSError."""
        first = task_id_map().first
        for name in ("upper", "work"):
            path = self._folder / name
            path.mkdir(exist_ok=True)
            os.chown(path, first, first)
            path.chmod(0o755)
        self._rootfs.mkdir(parents=True, exist_ok=True)
        upper, work = self._folder / "upper", self._folder / "work"
        authorities, certificate = self._host.images.cache.authorities, self._host.authority
        known = authorities.of(image.layers, certificate)
        if known is not None:
            mount_overlay((*image.layers, known.layer), upper, work, self._rootfs)
            self._trusted = known.trust.variables
            return
        new = not any(upper.iterdir())
        mount_overlay(image.layers, upper, work, self._rootfs)
        if certificate:
            trust = add_authority(self._rootfs, certificate, first)
            self._trusted = trust.variables
            if new:
                authorities.keep(image.layers, certificate, upper, trust)

    def surroundings(self, volumes: Volumes, shared: Path | None) -> Surroundings:
        """Its root must be mounted.  `shared`: a process namespace to join.  Raises OSError."""
        files = self._host.stage / "files" / self._task.id
        ids = task_id_map()
        return Surroundings(
            rootfs=self._rootfs,
            network_namespace=self._host.namespaces.path(self._task.namespace),
            user_namespace=self._host.namespaces.user_path(self._task.namespace),
            files={f"/etc/{name}": files / name for name in ("hosts", "resolv.conf", "hostname")},
            passwd=_text(self._rootfs, "etc/passwd"),
            group=_text(self._rootfs, "etc/group"),
            volumes={m.volume: volumes.path(m.volume) for m in self._program.mounts},
            ids=(ids.first, ids.size),
            cgroups_path=self._host.cgroups.container_path(self._task.id, self._program.runtime_id),
            seccomp_profile=self._host.seccomp_profile,
            compiled_filter=self._host.filters.get(container_capabilities(self._program)),
            hard_limits=hard_limits(),
            init=self._host.init,
            process_namespace=shared,
            variables=self._trusted,
        )


def hard_limits() -> dict[str, int]:
    """Name of a limit -> this process's hard limit, where it has one."""
    limits = {name: resource.getrlimit(number)[1] for name, number in RLIMITS.items()}
    return {name: hard for name, hard in limits.items() if hard != resource.RLIM_INFINITY}


def _text(rootfs: Path, name: str) -> str:
    """A file of the image, or nothing.  A link in an image must not lead out of it."""
    path = rootfs / name
    try:
        if not path.resolve().is_relative_to(rootfs.resolve()):
            return ""
        return path.read_text(errors="replace")
    except OSError:
        return ""
