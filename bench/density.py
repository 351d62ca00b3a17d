"""How many tasks stand at once, and what Seawall itself needs in memory for each that does nothing.

Counted: the proportional share (PSS) of every process that names the state directory, which are the control
plane, the agent, the world and a monitor for each container; and what lies in the world's tmpfs.  Not
counted: the containers' own processes, and the kernel's memory for their namespaces.
"""

import os
import time
from pathlib import Path

from bench.record import Result, Sample, compare
from bench.seawall_side import SeawallSide

AT_ONCE = 200
A_CALL = 10  # tasks RunTask starts at most
GOAL_MIB = 6.0
SETTLE_S = 5.0  # what is freed after a burst of launches is not part of an idle task


def density(seawall: SeawallSide, count: int = AT_ONCE) -> list[Result]:
    """`count` tasks from RunTask to all RUNNING, and the memory of one of them against the goal."""
    before = _memory(seawall.instance.state_dir)
    began = time.perf_counter()
    tasks: list[str] = []
    while len(tasks) < count:
        tasks += seawall.run_tasks(min(A_CALL, count - len(tasks)))
    groups = [tasks[i : i + 100] for i in range(0, len(tasks), 100)]  # DescribeTasks takes 100
    for group in groups:
        seawall.await_running(*group)
    seconds = time.perf_counter() - began
    time.sleep(SETTLE_S)
    each = (_memory(seawall.instance.state_dir) - before) / count / 2**20
    for group in groups:
        seawall.stop(*group)
    one = Sample(1.0, 1.0, 1.0)
    rate, memory = Sample(count / seconds, count / seconds, count / seconds), Sample(each, each, each)
    return [
        compare(f"launches, {count} at once", "1/s", rate, one, against="one a second"),
        compare(f"memory of an idle task, of {count}", "MiB", memory, one, against="1 MiB", at_most=GOAL_MIB),
    ]


def _memory(state_dir: Path) -> int:
    """Bytes."""
    ours = [pid for pid in processes() if str(state_dir) in command_of(pid)]
    agent = next(pid for pid in ours if "seawall.host.agent" in command_of(pid))
    run = Path(f"/proc/{agent}/root{state_dir}/run")
    stage = Path(f"/proc/{agent}/root{(run / 'stage').readlink()}")
    return sum(map(share, ours)) + sum(map(_used, (run, stage)))


def processes() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def share(pid: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _used(tmpfs: Path) -> int:
    found = os.statvfs(tmpfs)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
