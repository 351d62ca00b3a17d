"""When a key was last used: for GetAccessKeyLastUsed, written at most every quarter of an hour."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from seawall.model.access_key import AccessKey
from seawall.store.store import Store

GRAIN = timedelta(minutes=15)


def note_use(store: Store, access_key_id: str, service: str, now: datetime) -> None:
    key = store.find(AccessKey, access_key_id)
    if key is None or (key.last_used is not None and now - key.last_used < GRAIN):
        return
    with store.write() as txn:
        txn.put(replace(key, last_used=now.replace(microsecond=0), last_used_service=service))
