"""All counters of rules and NAT gateways, read at this moment rather than at the next turn."""

import asyncio

from seawall.controllers import nat_metrics, rule_counts
from seawall.controllers.loop import Context
from seawall.host.deadline import within
from seawall.model.nat_gateway import NatGateway
from seawall.model.vpc import Vpc

TIMEOUT_S = 10.0


async def sample_all(context: Context) -> list[str]:
    """Add a reading of each to `context.counts`; returns the namespaces that could not be read."""
    nats = [nat.id for nat in context.store.all(NatGateway) if nat.state == "available"]
    vpcs = [vpc.id for vpc in context.store.all(Vpc)]
    unread = [id for id in nats if not await _read(nat_metrics.sample, id, context)]
    return unread + [id for id in vpcs if not await _read(rule_counts.sample, id, context)]


async def _read(sample: rule_counts.Sample, id: str, context: Context) -> bool:
    answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def heard(read: bool) -> None:
        if not answered.done():
            answered.set_result(read)

    async def answer() -> bool:
        return await answered

    sample(id, context, heard)
    try:
        return await within(TIMEOUT_S, answer())
    except asyncio.TimeoutError:
        return False
