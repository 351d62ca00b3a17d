"""send one real packet and show what was predicted and what was observed, side by side

SRC and DST as for `seawall explain`; SRC is a task, its interface or address, or `internet`.
Exit status 0: prediction and observation agree; 1: they do not.
Example:  seawall probe internet 198.18.0.5:80
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.app.answer import answer, table
from seawall.app.commands.explain import allowing
from seawall.app.failure import USAGE, CommandFailed
from seawall.app.prober import Observed
from seawall.app.saved_model import read_model
from seawall.app.whereabouts import Question, find_question
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.explain import Answer, explain
from seawall.model.internet import CLIENT_NAMESPACE

PROTOCOLS = ("tcp", "udp", "icmp")
SECONDS = 1.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC")
    parser.add_argument("destination", metavar="DST[:PORT]")
    parser.add_argument("--protocol", default="tcp", choices=PROTOCOLS)
    parser.add_argument(
        "--timeout", type=float, default=SECONDS, help="seconds of silence (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    snapshot = read_model(args.state_dir, None)
    question = find_question(snapshot, args.source, args.destination, args.protocol)
    namespace = namespace_of(snapshot, question)
    predicted = explain(snapshot, question.packet, start=question.start)
    observed = observe(args.state_dir, namespace, question, args.timeout)
    agree = predicted.sometimes or predicted.trip.connects == observed.answered
    value = {
        "agree": agree,
        "predicted": {"connects": predicted.trip.connects, **msgspec.to_builtins(predicted)},
        "observed": msgspec.to_builtins(observed),
    }
    answer(args.output, value, lines(question, predicted, observed, agree))
    return 0 if agree else 1


def namespace_of(snapshot: NetworkSnapshot, question: Question) -> str:
    """Where programs of the source run."""
    if question.start is None:
        return CLIENT_NAMESPACE
    interface = next(i for i in snapshot.network_interfaces if i.id == question.start)
    if interface.owner is None or interface.owner.kind != "task":
        raise CommandFailed(f"{interface.id}: no task, so nothing can be sent from it", status=USAGE)
    return f"task-{interface.owner.id}"


def observe(state_dir: Path, namespace: str, question: Question, seconds: float) -> Observed:
    """Raises CommandFailed where the packet cannot even be sent."""
    packet = question.packet
    # fmt: off
    command = [
        sys.executable, "-m", "seawall.app.cli", "--state-dir", str(state_dir),
        "internet", "--namespace", namespace, "--",
        sys.executable, "-m", "seawall.app.prober",
        packet.protocol, packet.source, packet.destination, str(packet.destination_port), str(seconds),
    ]
    # fmt: on
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"nothing could be sent from {namespace}: {done.stderr.strip()[-500:]}")
    return Observed(**json.loads(done.stdout))


def lines(question: Question, predicted: Answer, observed: Observed, agree: bool) -> Iterator[str]:
    cause = predicted.cause
    expected = "an answer" if cause is None else "either" if predicted.sometimes else "silence"
    seen = f"{observed.outcome} after {observed.milliseconds:g} ms"
    why = f"let through by {allowing(predicted.trip.forward)}" if cause is None else f"{cause.text}"
    yield from table(("", "PREDICTED", "OBSERVED"), [(question.name, expected, seen)])
    yield f"Predicted because: {why}."
    yield from (f"Would let it through: {command}" for command in predicted.commands)
    if not agree:
        yield "They do not agree: please report this with the output of `seawall model`."
