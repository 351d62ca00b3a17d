"""start Seawall and stay in the foreground until it is stopped

By root or by an ordinary user.  Ctrl-C or `seawall down` ends it.  Files, rules, links and processes of this
machine are left alone: all that Seawall makes lives in a private world that ends with it.
"""

import argparse
import os
import re
import shutil
from typing import Literal, cast

from seawall.app.doctor import PATH, programs
from seawall.app.failure import UNPREPARED, USAGE, CommandFailed
from seawall.app.settings import ExternalS3Settings, Settings

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", default="127.0.0.1:4566", metavar="HOST:PORT", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--auth",
        choices=("enforce", "open"),
        default="enforce",
        help="enforce: known keys and right signatures only; open: for tests, anybody is the administrator",
    )
    parser.add_argument("--account", default="123456789012", help="twelve digits (default: %(default)s)")
    parser.add_argument("--region", default="us-east-1", help="(default: %(default)s)")
    parser.add_argument("--uplink", action="store_true", help="let tasks reach the real internet")
    parser.add_argument(
        "--interface-release",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long the interface of a stopped task stays; on AWS 10 to 60 (default: %(default)g)",
    )
    parser.add_argument(
        "--throttle-launches",
        action="store_true",
        help="let tasks start as fast as on Fargate at most: 100 at once, then 20 a second",
    )
    parser.add_argument(
        "--fargate-vcpus",
        type=float,
        metavar="N",
        help="how many vCPUs tasks may have together, as an account's quota says (default: no limit)",
    )
    parser.add_argument(
        "--service-healthy-after",
        type=float,
        default=40.0,
        metavar="SECONDS",
        help="when a service's task without any health check counts as healthy; on AWS %(default)g",
    )
    parser.add_argument(
        "--service-launch-rate",
        type=int,
        metavar="N",
        help="tasks of one service that start in a minute at most; on Fargate 500 (default: no limit)",
    )
    parser.add_argument(
        "--access-log-interval",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how often access logs of load balancers are delivered; on AWS %(default)g",
    )
    parser.add_argument(
        "--external-s3",
        metavar="URL",
        help="keep objects in another S3 (the key: SEAWALL_S3_ACCESS_KEY_ID, SEAWALL_S3_SECRET_ACCESS_KEY)",
    )
    parser.add_argument("--runtime", help="OCI runtime by name or path (default: crun, else runc)")
    parser.add_argument("--json-logs", action="store_true", help="one JSON object a line on stderr")


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    missing = [finding for finding in programs() if finding.verdict == "missing"]
    if missing:
        text = "; ".join(f"{finding.subject}: {finding.sentence()}" for finding in missing)
        raise CommandFailed(f"this machine lacks something. {text}", status=UNPREPARED)
    from seawall.app import control_plane  # the whole system; the other commands start faster without

    try:
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (settings.state_dir / "control.log").touch()
    except OSError as error:
        text = f"--state-dir {settings.state_dir}: nothing can be kept there ({error.strerror})"
        raise CommandFailed(text, status=USAGE) from error
    return int(control_plane.run(settings))


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings the command line asks for.  Raises CommandFailed where it makes no sense."""
    host, colon, port = args.listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise CommandFailed(f"--listen {args.listen}: say HOST:PORT", status=USAGE)
    if not (args.account.isdigit() and args.account.isascii() and len(args.account) == 12):
        raise CommandFailed(f"--account {args.account}: an AWS account has twelve digits", status=USAGE)
    if not _REGION.fullmatch(args.region):
        raise CommandFailed(f"--region {args.region}: a region is named like us-east-1", status=USAGE)
    if not 0 <= args.interface_release <= 3600:
        raise CommandFailed(
            f"--interface-release {args.interface_release:g}: 0 to 3600 seconds", status=USAGE
        )
    if args.fargate_vcpus is not None and not args.fargate_vcpus > 0:
        raise CommandFailed(f"--fargate-vcpus {args.fargate_vcpus:g}: more than 0", status=USAGE)
    if not 0 <= args.service_healthy_after <= 3600:
        text = f"--service-healthy-after {args.service_healthy_after:g}: 0 to 3600 seconds"
        raise CommandFailed(text, status=USAGE)
    if args.service_launch_rate is not None and args.service_launch_rate < 1:
        raise CommandFailed(f"--service-launch-rate {args.service_launch_rate}: more than 0", status=USAGE)
    if not 1 <= args.access_log_interval <= 3600:
        text = f"--access-log-interval {args.access_log_interval:g}: 1 to 3600 seconds"
        raise CommandFailed(text, status=USAGE)
    if args.runtime is not None and shutil.which(args.runtime, path=PATH) is None:
        raise CommandFailed(f"--runtime {args.runtime}: no such program", status=UNPREPARED)
    return Settings(
        state_dir=args.state_dir,
        listen_host=host.strip("[]"),
        listen_port=int(port),
        auth=cast(Literal["enforce", "open"], args.auth),
        account=args.account,
        region=args.region,
        uplink=args.uplink,
        interface_release_s=args.interface_release,
        throttle_launches=args.throttle_launches,
        fargate_vcpus=args.fargate_vcpus,
        service_healthy_after_s=args.service_healthy_after,
        service_launches_per_minute=args.service_launch_rate,
        access_log_interval_s=args.access_log_interval,
        external_s3=_external_s3(args.external_s3),
        json_logs=args.json_logs,
        runtime=args.runtime,
    )


def _external_s3(url: str | None) -> ExternalS3Settings | None:
    """The key is no argument: arguments can be read by everybody.  Raises CommandFailed."""
    if url is None:
        return None
    key, secret = (os.environ.get(f"SEAWALL_S3_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    if not url.startswith(("http://", "https://")):
        raise CommandFailed(f"--external-s3 {url}: a URL begins with http:// or https://", status=USAGE)
    if not key or not secret:
        text = "--external-s3 needs SEAWALL_S3_ACCESS_KEY_ID and SEAWALL_S3_SECRET_ACCESS_KEY"
        raise CommandFailed(text, status=USAGE)
    return ExternalS3Settings(url, key, secret)
