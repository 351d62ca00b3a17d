"""The first user of a new account, without whom nobody could call at all."""

from datetime import datetime

from seawall.model.access_key import AccessKey
from seawall.model.user import User
from seawall.store.ids import new_key_id, new_secret
from seawall.store.store import Transaction

ADMINISTRATOR = "administrator"
POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


def create_administrator(txn: Transaction, now: datetime, key: AccessKey | None = None) -> AccessKey:
    """A user with AdministratorAccess and a key: a new one, or `key` as it was before everything was emptied.

    A user, not the account's root: root may not assume roles, which CDK and many others do.
    """
    user = User(id=ADMINISTRATOR, user_id=new_key_id("AIDA"), create_date=now, attached_policies=(POLICY,))
    txn.put(user, expect=0)
    if key is None:
        key = AccessKey(id=new_key_id("AKIA"), secret=new_secret(), user=ADMINISTRATOR, create_date=now)
    txn.put(key, expect=0)
    return key
