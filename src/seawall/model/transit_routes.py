"""What a transit gateway's route table holds: its static routes, and those of the VPCs propagated to it."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Literal

import msgspec

from seawall.model.transit_gateway import TransitGatewayAttachment, TransitGatewayRouteTable
from seawall.model.vpc import Vpc


class TransitRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One that leads nowhere names no attachment: `blackhole`."""

    destination: str
    attachment: TransitGatewayAttachment | None
    type: Literal["static", "propagated"]


def transit_routes(
    table: TransitGatewayRouteTable,
    attachments: Mapping[str, TransitGatewayAttachment],
    vpcs: Mapping[str, Vpc],
) -> tuple[TransitRoute, ...]:
    """The routes in force, ordered by destination; a static one hides a propagated one to the same block.

    A static route outlives its attachment, as a blackhole.  Of VPCs with overlapping blocks only the one
    attached first is propagated.  Source: CreateTransitGatewayVpcAttachment of the service model.
    """
    alive = {id: a for id, a in attachments.items() if a.state in ("pending", "available", "modifying")}
    found = {
        block: TransitRoute(destination=block, attachment=attachment, type="propagated")
        for attachment, block in _propagated(table, alive, vpcs)
    }
    for route in table.routes:
        attachment = alive.get(route.attachment_id or "")
        found[route.destination] = TransitRoute(
            destination=route.destination, attachment=attachment, type="static"
        )
    return tuple(found[block] for block in sorted(found, key=_order))


def _propagated(
    table: TransitGatewayRouteTable,
    alive: Mapping[str, TransitGatewayAttachment],
    vpcs: Mapping[str, Vpc],
) -> Iterable[tuple[TransitGatewayAttachment, str]]:
    taken: set[_Prefix] = set()
    around: set[_Prefix] = set()  # every block that has a taken one in it
    propagating = [alive[id] for id in table.propagations if id in alive]
    for attachment in sorted(propagating, key=lambda a: (a.create_time, a.id)):
        vpc = vpcs.get(attachment.vpc_id)
        for block in vpc.all_blocks if vpc else ():
            prefixes = _prefixes(block)
            free = prefixes[-1] not in around and taken.isdisjoint(prefixes)
            if free and (attachment.ipv6_support or ":" not in block):
                taken.add(prefixes[-1])
                around.update(prefixes)
                yield attachment, block


_Prefix = tuple[int, int, int]  # IP version, the leading bits, how many they are


@lru_cache(maxsize=1 << 12)
def _prefixes(block: str) -> tuple[_Prefix, ...]:
    """Every block that a block is in, the widest first, itself last."""
    network = ip_network(block)
    bits, width = int(network.network_address), network.max_prefixlen
    return tuple(
        (network.version, bits >> (width - length), length) for length in range(network.prefixlen + 1)
    )


@lru_cache(maxsize=1 << 14)
def _order(block: str) -> tuple[int, int, int]:
    network = ip_network(block)
    return network.version, int(network.network_address), network.prefixlen
