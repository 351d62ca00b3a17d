"""The first key of a new account."""

from datetime import datetime

from seawall.model.access_key import AccessKey
from seawall.store.ids import new_key_id, new_secret
from seawall.store.store import Transaction


def create_administrator_key(txn: Transaction, now: datetime) -> AccessKey:
    """An access key of the account's root, so that somebody may call at all."""
    key = AccessKey(id=new_key_id("AKIA"), secret=new_secret(), user=None, create_date=now)
    txn.put(key)
    return key
