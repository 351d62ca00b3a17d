"""run the aws CLI against Seawall

Everything behind `aws` goes to the aws CLI as it is:  seawall aws ecs list-clusters
"""

import argparse
import os
import sys

from seawall.app.running import read_running

TAKES_PROGRAM = True
TAKES_ALL = True


def configure(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    running = read_running(args.state_dir)
    # A profile or a session token of the real AWS would win over, or mix with, the keys given here.
    foreign = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    os.execve(
        sys.executable, [sys.executable, "-m", "awscli", *args.tail], environment | running.environment()
    )
