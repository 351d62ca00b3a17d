"""say what is enforced, what is only stored, and what is refused

For every operation, and for this machine: a limit that cannot be enforced here is said, not hidden.
"""

import argparse

from seawall.app.answer import answer


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", help="only this service, e.g. ecs")


def run(args: argparse.Namespace) -> int:
    from seawall.app import truth  # imports every operation; the other commands start faster without

    told = truth.tell(args.service)
    answer(args.output, told.plain(), told.lines())
    return 0
