"""Temporary credentials: of a role's sessions, and of users."""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from seawall.model.access_key import RoleSession, UserSession
from seawall.model.resource import Ref
from seawall.model.role import Role
from seawall.store.ids import new_key_id, new_secret
from seawall.store.store import Transaction


def open_session(
    txn: Transaction,
    role: Role,
    session_name: str,
    now: datetime,
    duration_s: int,
    *,
    policy: str | None = None,
    policy_arns: tuple[str, ...] = (),
    tags: Mapping[str, str] | None = None,
    transitive_tag_keys: tuple[str, ...] = (),
    source_identity: str | None = None,
) -> RoleSession:
    """New credentials of a role.  Those of its sessions that have expired go at the same time.

    policy, policy_arns   session policies: JSON text, and ARNs of managed ones
    """
    for old in txn.referrers(RoleSession, role.ref):
        if old.expiration <= now:
            txn.delete(RoleSession, old.id)
    session = RoleSession(
        id=new_key_id("ASIA"),
        secret=new_secret(),
        session_token=_new_token(),
        role=role.id,
        session_name=session_name,
        expiration=now.replace(microsecond=0) + timedelta(seconds=duration_s),
        issued=now.replace(microsecond=0),
        policy=policy,
        policy_arns=policy_arns,
        tags=dict(tags or {}),
        transitive_tag_keys=transitive_tag_keys,
        source_identity=source_identity,
    )
    txn.put(session)
    return session


def open_user_session(txn: Transaction, user: str | None, now: datetime, duration_s: int) -> UserSession:
    """New credentials of a user, or of the account's root (None)."""
    old_ones = txn.referrers(UserSession, Ref("user", user)) if user else txn.all(UserSession)
    for old in old_ones:
        if old.expiration <= now:
            txn.delete(UserSession, old.id)
    session = UserSession(
        id=new_key_id("ASIA"),
        secret=new_secret(),
        session_token=_new_token(),
        user=user,
        expiration=now.replace(microsecond=0) + timedelta(seconds=duration_s),
        issued=now.replace(microsecond=0),
    )
    txn.put(session)
    return session


def _new_token() -> str:
    return base64.b64encode(secrets.token_bytes(252)).decode()
