"""The command line: `seawall COMMAND ...`.

Each module of seawall.app.commands is one command and nothing lists them: its docstring's first line is the
help, `configure(parser)` adds its arguments, `run(args)` does it and returns the exit status.

Exit status: 0 done; 1 it was tried and did not hold; 2 the command line makes no sense; 3 no Seawall is
running; 4 this machine lacks something (see `seawall doctor`); 130 interrupted.  `seawall aws` and
`seawall internet` end with the status of the program they run.
"""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import seawall
from seawall.app import commands
from seawall.app.doctor import PATH
from seawall.app.failure import NOT_RUNNING, UNPREPARED, CommandFailed, print_failure
from seawall.app.running import NotRunning, default_state_dir
from seawall.host.world import WorldError


def load_commands() -> Mapping[str, ModuleType]:
    """Every command's module by the command's name."""
    names = [module.name for module in pkgutil.iter_modules(commands.__path__)]
    return {name: importlib.import_module(f"{commands.__name__}.{name}") for name in names}


def build_parser(known: Mapping[str, ModuleType]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seawall",
        description="A self-hosted AWS Fargate: real containers in a real VPC on this machine.",
        epilog='Point any AWS client at it: eval "$(seawall env)"',
    )
    parser.add_argument("--version", action="version", version=f"seawall {seawall.__version__}")
    parser.add_argument("--state-dir", type=Path, default=default_state_dir(), help="(default: %(default)s)")
    parser.add_argument("--output", choices=("text", "json"), default="text", help="json is for scripts")
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in known.items():
        text = (module.__doc__ or "").strip()
        command = choices.add_parser(name, help=text.partition("\n")[0], description=text)
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        # Also understood behind the command; SUPPRESS keeps what was said before it.
        command.add_argument("--state-dir", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.add_argument(
            "--output", choices=("text", "json"), default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        module.configure(command)
        command.set_defaults(run=module.run, tail=[])
    return parser


def split_tail(argv: Sequence[str], known: Mapping[str, ModuleType]) -> tuple[list[str], list[str]]:
    """Cut off what belongs to another program: all behind `aws`, or behind the first `--`.

    argparse would try to understand options such as --output that are meant for the other program.
    """
    words = list(argv)
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word in ("--state-dir", "--output"):
            skip = True
        elif word == "--":
            return words[:index], words[index + 1 :]
        elif word in known and getattr(known[word], "TAKES_ALL", False):
            return words[: index + 1], words[index + 1 :]
    return words, []


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    os.environ["PATH"] = PATH  # an ordinary user's lacks /usr/sbin, where Debian keeps nft
    known = load_commands()
    words, tail = split_tail(sys.argv[1:] if argv is None else argv, known)
    parser = build_parser(known)
    args = parser.parse_args(words)
    if tail and not getattr(known[args.command], "TAKES_PROGRAM", False):
        parser.error(f"`seawall {args.command}` takes nothing behind --")
    args.tail = tail
    args.state_dir = args.state_dir.expanduser().absolute()
    try:
        return int(args.run(args))
    except NotRunning as error:
        return print_failure(args.output, CommandFailed(str(error), status=NOT_RUNNING))
    except WorldError as error:
        return print_failure(args.output, CommandFailed(str(error), status=UNPREPARED))
    except CommandFailed as error:
        return print_failure(args.output, error)
    except PermissionError as error:
        return print_failure(
            args.output, CommandFailed(f"{error.filename}: only its owner may do that ({error.strerror}).")
        )
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `seawall truth | head`
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
