"""The demonstration from beginning to end: start, play, clean up, look for what is left."""

import subprocess
import sys
import tempfile
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from seawall.app.clients import Clients
from seawall.app.demo.instance import Instance
from seawall.app.demo.ledger import Ledger
from seawall.app.demo.leftovers import Life, still_there, take_census
from seawall.app.demo.scenes import Scenes
from seawall.app.demo.service_scenes import ServiceScenes
from seawall.app.demo.service_site import HOST, SERVICE
from seawall.app.demo.stage import Stage
from seawall.app.failure import CommandFailed
from seawall.app.state_files import remove

TROUBLE = (ClientError, BotoCoreError, CommandFailed, subprocess.TimeoutExpired)


def tell(ledger: Ledger, *, keep: bool) -> bool:
    """Run the whole demonstration.  True when every line held.  Leaves nothing when it is interrupted."""
    state_dir = Path(tempfile.mkdtemp(prefix="seawall-demo-"))
    try:
        return _tell(ledger, state_dir, keep=keep)
    except (KeyboardInterrupt, BrokenPipeError):
        remove([state_dir])
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
    if kept:
        return True
    if ledger.failed:
        ledger.note(f"the end of Seawall's log:\n{instance.last_words()}")
    left = still_there(before, life, state_dir)
    held = len(life.namespaces)
    life.forget()
    try:
        remove([state_dir])
    except CommandFailed as error:
        left.append(error.text)
    if not life.processes and not left:  # it ended before there was anything to look for
        return False
    ledger.line(
        "what is left on this machine",
        expected="no process, namespace, link, nft table, mount, cgroup or file",
        happened="; ".join(left) or f"none of {len(life.processes)} processes and {held} user namespaces",
        held=not left,
    )
    return ledger.good


def play(ledger: Ledger, instance: Instance, life: Life, *, keep: bool) -> None:
    """All scenes; raises one of TROUBLE where the next scene would make no sense."""
    ledger.step(f"starting Seawall in {instance.state_dir}")
    running = instance.up()
    stage = Stage(ledger, instance, Clients(running), running.region)
    scenes = Scenes(stage)
    try:
        scenes.build()
        scenes.show()
        service = ServiceScenes(stage, scenes.site)
        service.build()
        service.show()
        world = instance.world()
        life.note_all_of(world.id, world.pid)
        if keep:
            say_what_next(instance, scenes)
        else:
            service.remove()
            scenes.stop_and_remove()
    except TROUBLE as error:
        raise CommandFailed(f"{error}{scenes.why_tasks_stopped()}") from error
    finally:
        scenes.end_server()


def say_what_next(instance: Instance, scenes: Scenes) -> None:
    program = Path(sys.argv[0])
    shown = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    seawall = f"{shown} --state-dir {instance.state_dir}"
    print(f"""
It keeps running. Each of these can be tried as it stands:

  # what runs, its page, its logs
  {seawall} ps
  {seawall} internet -- curl -s http://{scenes.public.public_address}/
  {seawall} aws ecs list-tasks --cluster demo
  {seawall} aws logs filter-log-events --log-group-name /ecs/myapp

  # the service behind its load balancer: by name, its targets, four tasks instead of two
  {seawall} internet -- curl -s http://{HOST}/
  {seawall} lb
  {seawall} aws ecs update-service --cluster demo --service {SERVICE} --desired-count 4

  # the private task on localhost, until Ctrl-C; in another terminal: curl localhost:8080
  {seawall} forward 8080:{scenes.private.id}:80

  # let aws, boto3 and Terraform in this shell talk to it
  eval "$({seawall} env)"

  # end it and remove all that it keeps
  {seawall} down && {seawall} reset --yes
""")
