"""The part of the store that the network is compiled from, as one frozen value."""

from typing import get_args, get_origin

import msgspec

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.controllers.loop import Context

RESOURCES = {
    field.name: get_args(field.type)[0]
    for field in msgspec.structs.fields(NetworkSnapshot)
    if get_origin(field.type) is tuple
}
NETWORK_KINDS = frozenset(kind.KIND for kind in RESOURCES.values())


def network_snapshot(context: Context) -> NetworkSnapshot:
    """Everything the network is made of, at this moment."""
    return NetworkSnapshot(
        **{name: tuple(context.store.all(kind)) for name, kind in RESOURCES.items()},
        region=context.region,
        account=context.account,
        services=context.services,
        uplink=context.uplink,
    )
