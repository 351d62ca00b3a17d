"""How one Seawall is set up."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class ExternalS3Settings:
    """Where another S3 is, e.g. http://127.0.0.1:9000, and the key that it knows."""

    url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """state_dir   everything this Seawall keeps; two Seawalls have two
    auth        "enforce": only known keys with right signatures; "open": anybody is the administrator
    uplink      let tasks reach the real internet
    interface_release_s   how long the interface of a stopped task keeps its addresses, groups and subnet
    throttle_launches   let tasks start as fast as on AWS at most: 100 at once, 20 a second
    fargate_vcpus       vCPUs that tasks may have together, and Spot tasks again; None: no limit
    service_healthy_after_s      when a service's task without any check counts as healthy
    service_launches_per_minute  tasks of one service that start in a minute at most; None: as fast as it goes
    access_log_interval_s        how often access logs of load balancers are delivered
    external_s3         where requests for S3 are passed on to; None: objects are in the state directory
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
    service_healthy_after_s: float = 40.0
    service_launches_per_minute: int | None = None
    access_log_interval_s: float = 300.0
    external_s3: ExternalS3Settings | None = None
    json_logs: bool = False
    runtime: str | None = None
