"""Client tokens as EC2 understands them."""

from collections.abc import Callable

from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.store.client_token import TokenMismatch, record, replay
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

Work = Callable[[Call, Params, Transaction], str]


def once(call: Call, params: Params, txn: Transaction, work: Work) -> str:
    """Do `work`, which returns the id of what it made; or return what the same ClientToken made before.

    Raises ApiError IdempotentParameterMismatch when that call had other parameters.
    """
    token = params.get("ClientToken")
    scope = f"{call.service}:{call.operation}"
    given = {key: value for key, value in params.copy_unread().items() if key != "DryRun"}
    try:
        known = replay(txn, scope, token, given)
    except TokenMismatch as mismatch:
        raise ApiError(
            "IdempotentParameterMismatch",
            "The request uses the same client token as a previous, but non-identical request."
            " Do not reuse a client token with different requests, unless the requests are identical.",
        ) from mismatch
    if known is not None:
        params.plain()  # every member was looked at by the call that did the work
        return str(known["id"])
    made = work(call, params, txn)
    record(txn, scope, token, given, {"id": made})
    return made
