"""How one Seawall is set up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """state_dir   everything this Seawall keeps; two Seawalls have two
    auth        "enforce": only known keys with right signatures; "open": anybody is the administrator
    uplink      let tasks reach the real internet
    interface_release_s   how long the interface of a stopped task keeps its addresses, groups and subnet
    throttle_launches   let tasks start as fast as on AWS at most: 100 at once, 20 a second
    fargate_vcpus       vCPUs that tasks may have together, and Spot tasks again; None: no limit
    runtime     an OCI runtime by name or path; None: crun if it works here, else runc
    """

    state_dir: Path
    listen_host: str = "127.0.0.1"
    listen_port: int = 4566
    auth: Literal["enforce", "open"] = "enforce"
    account: str = "123456789012"
    region: str = "us-east-1"
    uplink: bool = False
    interface_release_s: float = 0.0
    throttle_launches: bool = False
    fargate_vcpus: float | None = None
    json_logs: bool = False
    runtime: str | None = None
