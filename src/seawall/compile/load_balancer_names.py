"""The zones in which the names of load balancers are: everybody knows them."""

from collections.abc import Iterable

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.balancer_names import TTL, BalancerName, balancer_names
from seawall.program.network import NameRecord, NameZone

SOA = "ns.amazonaws.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60"


def known_balancers(snapshot: NetworkSnapshot) -> dict[str, BalancerName]:
    """By name."""
    return balancer_names(
        snapshot.load_balancers,
        snapshot.listeners,
        snapshot.listener_rules,
        snapshot.target_groups,
        snapshot.targets,
        {i.id: i for i in snapshot.network_interfaces} if snapshot.load_balancers else {},
    )


def load_balancer_names(snapshot: NetworkSnapshot) -> Iterable[tuple[None, NameZone]]:
    """One zone for those of application load balancers, one for those of network load balancers."""
    names = known_balancers(snapshot)
    for domain in sorted(
        {balancer.dns_name.lower().partition(".")[2] for balancer in snapshot.load_balancers}
    ):
        records = tuple(
            NameRecord(name=name.rstrip("."), type=type, ttl=TTL, values=found.values(type))
            for name, found in sorted(names.items())
            for type in ("A", "AAAA")
            if name.endswith(f".{domain}.") and (type == "A" or found.addresses6)
        )
        yield None, NameZone(id=f"aws/{domain}", name=domain, soa=SOA, soa_ttl=60, records=records)
