"""Temporary credentials of a role."""

import base64
import secrets
from datetime import datetime, timedelta

from seawall.model.access_key import RoleSession
from seawall.model.role import Role
from seawall.store.ids import new_key_id, new_secret
from seawall.store.store import Transaction


def open_session(
    txn: Transaction, role: Role, session_name: str, now: datetime, duration_s: int
) -> RoleSession:
    """New credentials of a role.  Those of its sessions that have expired go at the same time."""
    for old in txn.referrers(RoleSession, role.ref):
        if old.expiration <= now:
            txn.delete(RoleSession, old.id)
    session = RoleSession(
        id=new_key_id("ASIA"),
        secret=new_secret(),
        session_token=base64.b64encode(secrets.token_bytes(252)).decode(),
        role=role.id,
        session_name=session_name,
        expiration=now.replace(microsecond=0) + timedelta(seconds=duration_s),
    )
    txn.put(session)
    return session
