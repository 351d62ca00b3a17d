"""The seccomp profile of containers: Docker's default list, as the distribution ships it.

Package golang-github-containers-common (which skopeo depends on) installs it in a form that names conditions
on architectures and capabilities; here those are decided, leaving the form the OCI runtime takes.
"""

import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PROFILE = Path("/usr/share/containers/seccomp.json")
_ARCHITECTURES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}


def read_profile() -> dict[str, Any]:
    """The distribution's profile.  Raises FileNotFoundError where it is not installed."""
    profile: dict[str, Any] = json.loads(PROFILE.read_text())
    return profile


def decide(
    profile: dict[str, Any], capabilities: Iterable[str], machine: str = platform.machine()
) -> dict[str, Any]:
    """The profile for a container with these capabilities on this machine.  Pure."""
    name, native = _ARCHITECTURES[machine]
    have = frozenset(capabilities)
    rules = [
        {key: rule[key] for key in ("names", "action", "args", "errnoRet") if rule.get(key)}
        for rule in profile["syscalls"]
        if _applies(rule, name, have)
    ]
    decided: dict[str, Any] = {
        "defaultAction": profile["defaultAction"],
        "architectures": [native, *_other_architectures(profile, native)],
        "syscalls": rules,
    }
    if "defaultErrnoRet" in profile:
        decided["defaultErrnoRet"] = profile["defaultErrnoRet"]
    return decided


def _applies(rule: dict[str, Any], architecture: str, have: frozenset[str]) -> bool:
    wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
    if wanted.get("arches") and architecture not in wanted["arches"]:
        return False
    if not have.issuperset(wanted.get("caps") or ()):
        return False
    return architecture not in (unwanted.get("arches") or ()) and have.isdisjoint(unwanted.get("caps") or ())


def _other_architectures(profile: dict[str, Any], native: str) -> list[str]:
    for entry in profile.get("archMap", ()):
        if entry["architecture"] == native:
            return list(entry.get("subArchitectures") or ())
    return []
