"""Random worlds until the time is over: `make fuzz-network MINUTES=10`, or from a seed of one's choice.

Run it inside a private world:

    python -m seawall.host.world run -- python -m tests.fuzz.network --minutes 10

What differs is made as small as can be and written to tests/fuzz/cases; the exit status is then 1.
"""

import argparse
import multiprocessing
import os
import queue
import sys
import time
from multiprocessing.queues import Queue
from typing import NamedTuple

from tests.fuzz.cases import write_case
from tests.fuzz.trial import Tally, bench

MINUTE_S = 60.0


class News(NamedTuple):
    """What a process has done since the last time; `found` are differences, each with its case."""

    tally: Tally
    found: tuple[str, ...] = ()


def work(processor: int, first: int, step: int, until: float, news: "Queue[News | None]") -> None:
    """Every step-th world from the first on, until the time is over."""
    seed = first
    with bench(processor) as place:
        while time.time() < until:
            differences = place.try_seed(seed)
            tally, place.tally = place.tally, Tally()
            found: tuple[str, ...] = ()
            if differences:
                print(f"world {seed}: {len(differences)} differences; shrinking the first", flush=True)
                case = place.smallest(differences[0], seed)
                path = write_case(f"world_{seed}", case)
                found = tuple(f"{path}: {one}" for one in differences)
            news.put(News(tally, found))
            seed += step
    news.put(None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--first", type=int, default=int(time.time()), help="the first world's seed")
    chosen = parser.parse_args()
    processors = sorted(os.sched_getaffinity(0))
    news: Queue[News | None] = multiprocessing.Queue()
    began = time.time()
    workers = [
        multiprocessing.Process(
            target=work,
            args=(processor, chosen.first + place, len(processors), began + chosen.minutes * 60, news),
        )
        for place, processor in enumerate(processors)
    ]
    for worker in workers:
        worker.start()
    print(f"worlds from {chosen.first} on, in {len(workers)} processes", flush=True)
    found = report(news, len(workers), began)
    for worker in workers:
        worker.join()
    return 1 if found or any(worker.exitcode for worker in workers) else 0


def report(news: "Queue[News | None]", working: int, began: float) -> int:
    """Print what comes in, minute by minute; returns the number of differences."""
    total, differences, spoken = Tally(), 0, began
    while working:
        try:
            one = news.get(timeout=MINUTE_S)
        except queue.Empty:
            one = News(Tally())
        if one is None:
            working -= 1
            continue
        total.add(one.tally)
        differences += len(one.found)
        for text in one.found[:3]:
            print(text, flush=True)
        if time.time() - spoken >= MINUTE_S:
            spoken = time.time()
            print(f"minute {(spoken - began) / 60:.0f}: {total}, {differences} differences", flush=True)
    print(f"after {time.time() - began:.0f} s: {total}, {differences} differences", flush=True)
    return differences


if __name__ == "__main__":
    sys.exit(main())
