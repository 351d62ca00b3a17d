"""print the variables that point AWS clients at Seawall

Use it as:  eval "$(seawall env)"
"""

import argparse
import shlex

from seawall.app.answer import answer
from seawall.app.running import read_running


def configure(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    variables = read_running(args.state_dir).environment()
    answer(
        args.output,
        variables,
        (f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    )
    return 0
