"""show it all: a two-container task in a public and in a private subnet

Starts a Seawall of its own, drives it through the public AWS API only, says of each claim whether it held,
and removes everything. Exit status 0 only if every line held.
"""

import argparse
import signal

from seawall.app.failure import FAILED


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", action="store_true", help="leave it running and say what to try next")


def run(args: argparse.Namespace) -> int:
    from seawall.app.demo.ledger import Ledger
    from seawall.app.demo.story import tell

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started ends with it
    ledger = Ledger()
    good = tell(ledger, keep=args.keep)
    ledger.close()
    return 0 if good else FAILED
