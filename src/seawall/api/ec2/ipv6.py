"""IPv6 in a VPC: blocks out of the world's pool, and what follows from the first one.

What AWS gives a VPC with its IPv6 block: local routes, rule 101 of the default network ACL, and ::/0 in the
egress rules of its security groups; the latter two only where nobody changed what was there from birth (VPC
user guide, "Default network ACL" and "Security group rules").
"""

from ipaddress import IPv6Address, IPv6Network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.birth import EVERYWHERE, IPV6_EVERYWHERE, born_entry, local_route, put_rule
from seawall.api.ec2.quotas import IPV6_CIDR_BLOCKS_PER_VPC, check_quota
from seawall.api.ec2.security_group_rule import rules_of
from seawall.model.address_cursor import AddressCursor
from seawall.model.internet import IPV6_POOL
from seawall.model.network_acl import NetworkAcl
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup
from seawall.model.vpc import Ipv6CidrAssociation, Vpc
from seawall.store.ids import new_id
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_PREFIX = 56
_CURSOR = "ipv6-pool"


def add_ipv6_block(txn: Transaction, vpc: Vpc) -> Vpc:
    """Write `vpc` and what belongs to it with one more block of the pool.

    Raises ApiError CidrLimitExceeded.
    """
    count = len(vpc.ipv6_cidr_blocks) + 1
    check_quota(txn, count, IPV6_CIDR_BLOCKS_PER_VPC, "CidrLimitExceeded")
    made = Ipv6CidrAssociation(association_id=new_id("vpc-cidr-assoc"), ipv6_cidr_block=_claim_block(txn))
    vpc = replace(vpc, ipv6_cidr_blocks=(*vpc.ipv6_cidr_blocks, made))
    txn.put(vpc)
    for table in txn.referrers(RouteTable, vpc.ref):
        txn.put(replace(table, routes=(*table.routes, local_route(made.ipv6_cidr_block))))
    if count == 1:
        _open_default_acl(txn, vpc)
        _open_groups(txn, vpc)
    return vpc


def shown_ipv6_block(block: Ipv6CidrAssociation, state: str, region: str) -> dict[str, Any]:
    return {
        "AssociationId": block.association_id,
        "Ipv6CidrBlock": block.ipv6_cidr_block,
        "Ipv6CidrBlockState": {"State": state},
        "NetworkBorderGroup": region,
        "Ipv6Pool": "Amazon",
        "Ipv6AddressAttribute": "public",
        "IpSource": "amazon",
    }


def _claim_block(txn: Transaction) -> str:
    """The next block in turn that no VPC has."""
    pool = IPv6Network(IPV6_POOL)
    step, count = 1 << (128 - _PREFIX), 1 << (_PREFIX - pool.prefixlen)
    taken = {block.ipv6_cidr_block for vpc in txn.all(Vpc) for block in vpc.ipv6_cidr_blocks}
    cursor = txn.find(AddressCursor, _CURSOR)
    start = (int(IPv6Address(cursor.last)) - int(pool.network_address)) // step + 1 if cursor else 0
    for number in range(start, start + count):
        network = IPv6Network((int(pool.network_address) + number % count * step, _PREFIX))
        if str(network) not in taken:
            txn.put(AddressCursor(id=_CURSOR, last=str(network.network_address)))
            return str(network)
    raise ApiError("InsufficientCidrBlocks", "There are not enough CIDR blocks to satisfy the request.")


def _open_default_acl(txn: Transaction, vpc: Vpc) -> None:
    (acl,) = (acl for acl in txn.referrers(NetworkAcl, vpc.ref) if acl.is_default)
    entries = list(acl.entries)
    for egress in (True, False):
        if [e for e in acl.entries if e.egress == egress] == [born_entry(egress)]:
            entries.append(born_entry(egress, ipv6=True))
    txn.put(replace(acl, entries=tuple(entries)))


def _open_groups(txn: Transaction, vpc: Vpc) -> None:
    for group in txn.referrers(SecurityGroup, vpc.ref):
        egress = [rule for rule in rules_of(txn, group) if rule.is_egress]
        if [(rule.protocol, rule.cidr_ipv4) for rule in egress] == [("-1", EVERYWHERE)]:
            put_rule(txn, group, is_egress=True, protocol="-1", cidr_ipv6=IPV6_EVERYWHERE)
