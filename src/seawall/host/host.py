"""What all containers of a host share."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seawall.host.cgroup import Cgroups
from seawall.host.conmon import Conmon
from seawall.host.file_watch import FileWatch
from seawall.host.images import Images
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.host.upstream import Upstream


@dataclass(frozen=True)
class Host:
    """What all containers of a host share."""

    namespaces: Namespaces
    http: NamespaceHttp
    images: Images
    conmon: Conmon
    cgroups: Cgroups
    seccomp_profile: dict[str, Any]
    stage: Path  # a folder that containers' own ids can walk into
    upstream: Upstream
    filters: dict[tuple[str, ...], bytes]  # compiled seccomp filters, by the capabilities they are for
    init: Path | None  # a static init for initProcessEnabled
    authority: bytes = (
        b""  # a certificate (PEM) that containers trust; none: they trust what their image does
    )
    file_watch: FileWatch = field(default_factory=FileWatch)
