"""Secrets and keys that were marked for deletion go when their day has come."""

from collections.abc import Iterable

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.kms_key import KmsAlias, KmsKey
from seawall.model.resource import Ref
from seawall.model.secret import Secret

LONGEST_WAIT_S = 86_400.0  # a timer is no calendar: look again at least once a day


def reconcile_secret(name: str, context: Context) -> Done | After:
    secret = context.store.find(Secret, name)
    if secret is None or secret.deletion_date is None:
        return Done()
    left = (secret.deletion_date - context.clock.now()).total_seconds()
    if left > 0:
        return After(min(left, LONGEST_WAIT_S))
    with context.store.write() as txn:
        txn.delete(Secret, secret.id)
    return Done()


def reconcile_key(key_id: str, context: Context) -> Done | After:
    """Its aliases go with it; what it has encrypted stays, and nobody can read it any more."""
    key = context.store.find(KmsKey, key_id)
    if key is None or key.deletion_date is None:
        return Done()
    left = (key.deletion_date - context.clock.now()).total_seconds()
    if left > 0:
        return After(min(left, LONGEST_WAIT_S))
    with context.store.write() as txn:
        for alias in txn.referrers(KmsAlias, key.ref):
            txn.delete(KmsAlias, alias.id)
        txn.delete(KmsKey, key.id)
    return Done()


def _changed(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _nothing(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="secret_deletion",
        run=reconcile_secret,
        kinds=frozenset({"secret"}),
        keys=_changed,
        all_keys=lambda context: [s.id for s in context.store.all(Secret) if s.deletion_date],
        on_host=_nothing,
    )
)
reconciler(
    Reconciler(
        name="key_deletion",
        run=reconcile_key,
        kinds=frozenset({"kms_key"}),
        keys=_changed,
        all_keys=lambda context: [k.id for k in context.store.all(KmsKey) if k.deletion_date],
        on_host=_nothing,
    )
)
