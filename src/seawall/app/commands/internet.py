"""run a program as a client on the internet

Its network is a host on the world's internet; its files are this machine's.
Example:  seawall internet -- curl http://198.18.0.5/
"""

import argparse

from seawall.app.failure import USAGE, CommandFailed
from seawall.app.running import NotRunning
from seawall.host.world import enter_world, find_world
from seawall.model.internet import CLIENT_NAMESPACE, RESOLVER_ADDRESS

TAKES_PROGRAM = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--namespace", default=CLIENT_NAMESPACE, help=argparse.SUPPRESS)
    parser.add_argument("forgotten", nargs="*", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    if args.forgotten:
        text = f"put -- before the program: seawall internet -- {' '.join([*args.forgotten, *args.tail])}"
        raise CommandFailed(text, status=USAGE)
    if not args.tail:
        raise CommandFailed("say what to run: seawall internet -- curl http://198.18.0.5/", status=USAGE)
    world = find_world(args.state_dir)
    if world is None:
        raise NotRunning(args.state_dir)
    resolver = f"nameserver {RESOLVER_ADDRESS}\n" if args.namespace == CLIENT_NAMESPACE else None
    return int(enter_world(world, args.tail, netns=args.namespace, resolv_conf=resolver))
