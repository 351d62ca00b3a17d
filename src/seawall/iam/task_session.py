"""The sessions of a task's roles: the execution role's, for its host, and its own, for its containers."""

import uuid
from datetime import datetime, timedelta

from msgspec.structs import replace

from seawall.iam.session import open_session
from seawall.iam.trust import TASKS_SERVICE, trusts
from seawall.model.access_key import RoleSession
from seawall.model.arn import parse_arn
from seawall.model.role import Role
from seawall.model.task import Task
from seawall.store.store import Reader, Transaction

SESSION_LIFETIME = timedelta(hours=6)
SESSION_RENEWAL = timedelta(hours=1)  # before it expires


def needs_session(reader: Reader, task: Task, now: datetime) -> bool:
    return any(_is_due(reader, arn, session, task, now) for arn, session in _sessions(task))


def with_sessions(txn: Transaction, task: Task, *, account: str, region: str, now: datetime) -> Task:
    """Fresh credentials of both roles, which are taken back when the task is over.

    Those of before stay good until they expire: a container may just have asked for them.
    """
    if task.last_status == "STOPPED":
        for _, session_id in _sessions(task):
            if session_id and txn.find(RoleSession, session_id):
                txn.delete(RoleSession, session_id)
        return replace(task, execution_session_id=None, role_session_id=None)
    execution, own = (
        held
        if not _is_due(txn, arn, held, task, now)
        else _opened(txn, arn, task, account, region, now) or held
        for arn, held in _sessions(task)
    )
    if (execution, own) == (task.execution_session_id, task.role_session_id):
        return task
    place = task.credentials_id or (str(uuid.uuid4()) if own else None)
    return replace(task, execution_session_id=execution, role_session_id=own, credentials_id=place)


def _sessions(task: Task) -> tuple[tuple[str | None, str | None], ...]:
    """The roles of a task and the sessions it has of them: the host's, and that of its containers."""
    return (
        (task.execution_role_arn, task.execution_session_id),
        (task.task_role_arn, task.role_session_id),
    )


def _is_due(reader: Reader, arn: str | None, session_id: str | None, task: Task, now: datetime) -> bool:
    if not arn or task.desired_status == "STOPPED":
        return False
    session = reader.find(RoleSession, session_id or "")
    return session is None or session.expiration - SESSION_RENEWAL <= now


def _opened(
    txn: Transaction, role_arn: str | None, task: Task, account: str, region: str, now: datetime
) -> str | None:
    """A new session; None where the role is gone, or does not trust the tasks of this account."""
    arn = parse_arn(role_arn or "")
    role = txn.find(Role, arn.resource.rsplit("/", 1)[-1]) if arn else None
    # For whom ECS assumes roles of tasks: aws:SourceArn, which can name no cluster (developer guide).
    source_arn = f"arn:aws:ecs:{region}:{account}:*"
    if role is None or not trusts(role, TASKS_SERVICE, account=account, source_arn=source_arn):
        return None
    return open_session(txn, role, task.id, now, int(SESSION_LIFETIME.total_seconds())).id
