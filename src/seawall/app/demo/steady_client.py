"""A client on the internet that never rests: it asks for a page by name, again and again, and counts.

Runs inside the world: `seawall internet -- python -m seawall.app.demo.steady_client HOST PATH`.  Half of its
requests go over one kept connection, half over a fresh one each.  It looks the name up for every connection.
SIGTERM ends it; then it says in JSON what it saw: {"requests": n, "failures": [...], "answers": {text: n}}.
"""

import http.client
import itertools
import json
import signal
import sys
import time
from collections import Counter

PAUSE_S = 0.02
TIMEOUT_S = 10.0
MOST_TOLD = 5  # failures


class Ended(Exception):
    pass


def main(host: str, path: str) -> int:
    signal.signal(signal.SIGTERM, _end)
    answers: Counter[str] = Counter()
    failures: list[str] = []
    kept = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
    print("ready", flush=True)
    try:
        for number in itertools.count():
            connection = kept if number % 2 else http.client.HTTPConnection(host, timeout=TIMEOUT_S)
            try:
                answers[_ask(connection, path)] += 1
            except (OSError, http.client.HTTPException) as error:
                failures.append(f"{'kept' if number % 2 else 'fresh'} connection: {error!r}")
                connection.close()
            if connection is not kept:
                connection.close()
            time.sleep(PAUSE_S)
    except Ended:
        said = {"requests": sum(answers.values()) + len(failures), "failures": failures[:MOST_TOLD]}
        print(json.dumps(said | {"failed": len(failures), "answers": dict(answers)}), flush=True)
    return 0


def _ask(connection: http.client.HTTPConnection, path: str) -> str:
    """The page.  Raises OSError or HTTPException, also for any status but 200."""
    connection.request("GET", path)
    response = connection.getresponse()
    text = response.read().decode(errors="replace").strip()
    if response.status != 200:
        raise http.client.HTTPException(f"status {response.status}")
    return text


def _end(number: int, frame: object) -> None:
    raise Ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
