"""The demonstration from beginning to end: start, play, clean up, look for what is left."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from seawall.app.clients import Clients
from seawall.app.demo.instance import Instance
from seawall.app.demo.ledger import Ledger
from seawall.app.demo.leftovers import Life, still_there, take_census
from seawall.app.demo.scenes import Scenes
from seawall.app.failure import CommandFailed

TROUBLE = (ClientError, BotoCoreError, CommandFailed, subprocess.TimeoutExpired)


def tell(ledger: Ledger, *, keep: bool) -> bool:
    """Run the whole demonstration.  True when every line held.  Leaves nothing when it is interrupted."""
    state_dir = Path(tempfile.mkdtemp(prefix="seawall-demo-"))
    try:
        return _tell(ledger, state_dir, keep=keep)
    except (KeyboardInterrupt, BrokenPipeError):
        shutil.rmtree(state_dir, ignore_errors=True)
        raise


def _tell(ledger: Ledger, state_dir: Path, *, keep: bool) -> bool:
    before = take_census()
    instance = Instance(state_dir)
    life = Life()
    kept = False
    try:
        play(ledger, instance, life, keep=keep)
        kept = keep and ledger.good
    except TROUBLE as error:
        ledger.line("the demonstration", expected="to go on", happened=str(error), held=False)
    finally:
        if not kept:
            try:
                ledger.step("ending Seawall")
            finally:  # also when nobody reads what is said any more
                instance.down()
                life.end()
    if kept:
        return True
    if ledger.failed:
        ledger.note(f"the end of Seawall's log:\n{instance.last_words()}")
    left = still_there(before, life, state_dir)
    shutil.rmtree(state_dir, onerror=lambda _, path, error: left.append(f"file {path}"))
    ledger.line(
        "what is left on this machine",
        expected="no process, namespace, link, nft table, mount, cgroup or file",
        happened="; ".join(left)
        or f"none of {len(life.processes)} processes and {len(life.namespaces)} namespaces",
        held=not left and bool(life.processes),
    )
    return ledger.good


def play(ledger: Ledger, instance: Instance, life: Life, *, keep: bool) -> None:
    """All scenes; raises one of TROUBLE where the next scene would make no sense."""
    ledger.step(f"starting Seawall in {instance.state_dir}")
    running = instance.up()
    scenes = Scenes(ledger, instance, Clients(running), running.region)
    try:
        scenes.build()
        scenes.show()
        world = instance.world()
        life.note_all_of(world.id, world.pid)
        if keep:
            say_what_next(instance, scenes)
        else:
            scenes.stop_and_remove()
    except TROUBLE as error:
        raise CommandFailed(f"{error}{scenes.why_tasks_stopped()}") from error
    finally:
        scenes.end_server()


def say_what_next(instance: Instance, scenes: Scenes) -> None:
    seawall = f".venv/bin/seawall --state-dir {instance.state_dir}"
    print(f"""
It keeps running. Try:

  {seawall} ps
  {seawall} internet -- curl -s http://{scenes.public.public_address}/
  {seawall} aws ecs list-tasks --cluster demo
  {seawall} aws logs filter-log-events --log-group-name /ecs/myapp
  {seawall} forward 8080:{scenes.private.id}:80      then, elsewhere: curl localhost:8080
  eval "$({seawall} env)"                            then aws, boto3, CDK and Terraform talk to it
  {seawall} down                                     ends it; then: rm -r {instance.state_dir}
""")
