"""print the network's model as JSON: what `seawall explain --model FILE` takes

It holds no secrets: networks, addresses and rules only.
Example:  seawall model > network.json
"""

import argparse
import sys

from seawall.app.saved_model import fetch_model


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(args: argparse.Namespace) -> int:
    sys.stdout.write(fetch_model(args.state_dir).decode() + "\n")
    return 0
