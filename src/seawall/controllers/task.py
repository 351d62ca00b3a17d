"""Tasks: placed, attached, run, stopped, released.  The decisions are `compile.task_lifecycle`'s."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from seawall.compile.network.endpoint_reach import endpoint_interface, missing_path_to_endpoint
from seawall.compile.network.reach import missing_path_to_internet
from seawall.compile.task_lifecycle import INTERFACE_PATIENCE, Facts, advance
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.controllers.network_snapshot import network_snapshot
from seawall.controllers.service_targets import Acquaintance, acquaintance
from seawall.controllers.task_finding import with_finding
from seawall.iam.task_session import SESSION_RENEWAL, needs_session, with_sessions
from seawall.model.access_key import RoleSession
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.target_group import Target
from seawall.model.task import Task
from seawall.program.report import TaskReport
from seawall.store.store import Transaction

PENDING_UNTOLD = timedelta(seconds=0.1)
KEEP_STOPPED = timedelta(hours=1)  # ListTasks shows stopped tasks for at least this long


def reconcile(task_id: str, context: Context) -> Done | After:
    task = context.store.find(Task, task_id)
    if task is None:
        return Done()
    now = context.clock.now()
    if task.last_status == "STOPPED":
        return _forget(task, context)
    report = context.host.reports.get(task_id)
    known = acquaintance(context.store, task, now)
    facts = Facts(
        world=context.host.world,
        in_force=_in_force(task, context),
        report=report,
        now=now,
        missing_path=_missing_path(task, report, context),
        unregistered=known.unregistered,
        draining=known.draining,
    )
    passed, after = _steps(task, facts)
    if task.last_status == "PROVISIONING" and after.last_status == "PENDING":
        left = _may_run_at_once(task) - now
        if left > timedelta(0):
            return After(left.total_seconds())
    if after is not task:
        after = with_finding(after, context)
    if after is not task or needs_session(context.store, task, now):
        with context.store.write() as txn:
            if passed is not None:
                _write_interface(txn, task, passed, context)
                txn.put(passed)
            after = with_sessions(txn, after, account=context.account, region=context.region, now=now)
            _write_interface(txn, passed or task, after, context)
            txn.put(after)
    return _next_look(after, known, context)


def _steps(task: Task, facts: Facts) -> tuple[Task | None, Task]:
    """What it is next, and what it was on the way there where that is to be told, too: pending."""
    after = advance(task, facts)
    if task.last_status == "PROVISIONING" and after.last_status not in ("PROVISIONING", "PENDING"):
        pending = advance(task, replace(facts, report=None))
        if pending.last_status == "PENDING":
            return pending, advance(pending, facts)
    return None, after


def _may_run_at_once(task: Task) -> datetime:
    """Until when its being pending is not written by itself, but with what comes next.

    A durable write in the middle of its way to the registry would hold up what this process answers there.
    Who registers a service's tasks waits for that word.
    """
    return task.created_at if task.service else task.created_at + PENDING_UNTOLD


def _next_look(task: Task, known: Acquaintance, context: Context) -> Done | After:
    """Time alone changes three things: credentials end, and so does patience, for an interface or with what
    load balancers began."""
    now = context.clock.now()
    due = []
    for session_id in (task.execution_session_id, task.role_session_id):
        session = context.store.find(RoleSession, session_id or "")
        if session is not None and task.desired_status == "RUNNING":
            due.append(session.expiration - SESSION_RENEWAL)
    if task.last_status == "PROVISIONING":
        due.append(task.created_at + INTERFACE_PATIENCE)
    if task.last_status == "DEACTIVATING" and known.until is not None:
        return After(max((known.until - now).total_seconds(), 0.0))
    return After(max((min(due) - now).total_seconds(), 1.0)) if due else Done()


def _in_force(task: Task, context: Context) -> bool:
    interface = context.store.find(NetworkInterface, task.network_interface_id or "")
    if interface is None:
        return context.in_force(task.ref)
    if task.last_status == "PROVISIONING" and context.host.troubled(
        f"task-{task.id}", interface.id, interface.vpc_id
    ):
        return False
    return context.in_force(task.ref) and context.in_force(interface.ref)


def _missing_path(task: Task, report: TaskReport | None, context: Context) -> str | None:
    if report is None or all(c.failure is None for c in report.containers):
        return None
    interface = context.store.find(NetworkInterface, task.network_interface_id or "")
    if interface is None:
        return None
    snapshot = network_snapshot(context)
    for container in report.containers:
        asked, _, port = ((container.failure and container.failure.address) or "").partition(":")
        endpoint = endpoint_interface(snapshot, interface, asked)
        if endpoint is not None:
            return missing_path_to_endpoint(snapshot, interface, endpoint, int(port))
    return missing_path_to_internet(snapshot, interface)


def _write_interface(txn: Transaction, before: Task, after: Task, context: Context) -> None:
    """The interface follows its task: attached with it, detached with it, gone with it or a while after."""
    interface = txn.find(NetworkInterface, after.network_interface_id or "")
    if interface is None or before.last_status == after.last_status:
        return
    attachment = interface.attachment
    if after.last_status == "PENDING" and attachment:
        attached = replace(attachment, status="attached")
        txn.put(replace(interface, status="in-use", attachment=attached))
    elif after.last_status == "DEPROVISIONING":
        detaching = attachment and replace(attachment, status="detaching")
        txn.put(replace(interface, status="detaching", attachment=detaching))
    elif after.last_status == "STOPPED" and not context.interface_release:
        txn.delete(NetworkInterface, interface.id)
    elif after.last_status == "STOPPED":
        txn.put(replace(interface, status="detaching"))


def _forget(task: Task, context: Context) -> Done | After:
    """Let go of a stopped task's interface in time, and later of the task."""
    age = context.clock.now() - (task.stopped_at or task.created_at)
    if context.store.find(NetworkInterface, task.network_interface_id or ""):
        if age < context.interface_release:
            return After((context.interface_release - age).total_seconds())
        with context.store.write() as txn:
            txn.delete(NetworkInterface, task.network_interface_id or "")
    if age < KEEP_STOPPED:
        return After((KEEP_STOPPED - age).total_seconds())
    with context.store.write() as txn:
        txn.delete(Task, task.id)
    context.host.reports.pop(task.id, None)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    if changed.kind == "task":
        return (changed.id,)
    if changed.kind == "discovery_instance":
        task = context.store.find(Task, changed.id.rpartition("/")[2])
        return (task.id,) if task is not None else ()
    target = context.store.find(Target, changed.id)
    return (target.task,) if target is not None and target.task else ()


def _all(context: Context) -> Iterable[str]:
    return [task.id for task in context.store.all(Task)]


def concerned(context: Context) -> Iterable[str]:
    """Tasks the newest word from the host may concern: one, or all that are not stopped."""
    if context.host.about is not None:
        return [context.host.about]
    return [task.id for task in context.store.all(Task) if task.last_status != "STOPPED"]


reconciler(
    Reconciler(
        name="task",
        run=reconcile,
        kinds=frozenset({"task", "target", "discovery_instance"}),
        keys=_keys,
        all_keys=_all,
        on_host=concerned,
    )
)
