"""What Seawall does with each operation and member: enforced, stored only, refused.

Read from the operations themselves, so that it cannot say anything else than they do.  Run as a program it
writes docs/coverage.md, or checks that the file is what it would write:

    python -m seawall.app.truth --write docs/coverage.md
    python -m seawall.app.truth --check docs/coverage.md
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session

from seawall.api.registry import Operation, load_operations
from seawall.app.cgroup import Enforcement, limits_here

EVERYWHERE = (
    "A member that an operation does not know is refused with NotImplemented and nothing is changed.",
    "Validation, error codes and error texts follow AWS's service models.",
    "Who calls is verified by signature (SigV4); what a caller may do is decided by policies, as AWS decides"
    " within one account. There are no organisations, devices (MFA), passwords or identity providers.",
    "A ulimit above the machine's own hard limit is cut to that; /_seawall/health names the container.",
)


@dataclass(frozen=True)
class Truth:
    """`operations` by service and name; `limits` for this machine, None where it was not asked.

    running   the limits of the Seawall that runs, in its host agent's words; None where none was asked
    """

    operations: tuple[Operation, ...]
    limits: Enforcement | None = None
    running: str | None = None

    def services(self) -> Iterator[tuple[str, list[Operation], int]]:
        """Each service, what is served of it, and how many operations AWS has in all."""
        session = botocore.session.get_session()
        for service in sorted({operation.service for operation in self.operations}):
            served = [operation for operation in self.operations if operation.service == service]
            yield service, served, len(session.get_service_model(service).operation_names)

    def plain(self) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "everywhere": list(EVERYWHERE),
            "operations": [
                {
                    "service": operation.service,
                    "operation": operation.name,
                    "stored_only": dict(operation.stored),
                    "refused": dict(operation.refused),
                    "note": operation.note,
                }
                for operation in self.operations
            ],
        }
        if self.running is not None:
            answer["running"] = {"limits": self.running}
        if self.limits:
            answer["limits"] = {"enforced": list(self.limits.enforced), "reason": self.limits.reason}
        return answer

    def lines(self) -> Iterator[str]:
        yield from EVERYWHERE
        if self.limits:
            yield f"On this machine, for this user: {self.limits.sentence()}"
        if self.running == "enforced":
            yield "In the Seawall that runs: limits on cpu, memory, pids are enforced."
        elif self.running is not None:
            yield f"In the Seawall that runs: limits on cpu, memory, pids are NOT enforced: {self.running}."
        for service, served, of in self.services():
            yield ""
            yield f"{service}: {len(served)} of {of} operations; the others answer NotImplemented"
            for operation in served:
                yield f"  {operation.name}" + (f": {operation.note}" if operation.note else "")
                for member, reason in operation.stored.items():
                    yield f"      stored only  {member}: {reason}"
                for member, reason in operation.refused.items():
                    yield f"      refused      {member}: {reason}"

    def markdown(self) -> Iterator[str]:
        yield "# Coverage"
        yield ""
        yield "Written by `make docs` from the operations themselves; `make check` fails when it is stale."
        yield "A member that is in neither column is enforced: it does what it does on AWS."
        yield ""
        for sentence in EVERYWHERE:
            yield f"- {sentence}"
        for service, served, of in self.services():
            yield ""
            yield f"## {service}"
            yield ""
            yield f"{len(served)} of {of} operations. The others answer `NotImplemented` and name themselves."
            yield ""
            yield "| operation | stored only | refused | note |"
            yield "|---|---|---|---|"
            for operation in served:
                cells = (_members(operation.stored.items()), _members(operation.refused.items()))
                yield f"| {operation.name} | {cells[0]} | {cells[1]} | {_cell(operation.note)} |"


def tell(service: str | None = None, running: str | None = None) -> Truth:
    """The truth about all operations, or those of one service, on this machine."""
    return Truth(_operations(service), limits_here(), running)


def _operations(service: str | None = None) -> tuple[Operation, ...]:
    known = load_operations()
    return tuple(known[key] for key in sorted(known) if service in (None, key[0]))


def _members(members: Iterable[tuple[str, str]]) -> str:
    return "<br>".join(f"`{name}`: {_cell(reason)}" for name, reason in members)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write docs/coverage.md from the code, or check it.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE")
    what.add_argument("--check", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    text = "".join(f"{line}\n" for line in Truth(_operations()).markdown())
    if args.write:
        args.write.write_text(text)
    elif not args.check.exists() or args.check.read_text() != text:
        print(f"{args.check} is not what the code says: run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
