"""AWS's own prefix lists: the blocks in which a service is, kept up to date by AWS."""

import hashlib

from seawall.model.internet import S3_NETWORK
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.store.store import Reader, Store, Transaction

_BLOCKS = {"s3": (S3_NETWORK,)}  # service -> where it is on the world's internet
_KNOWN_IDS = {"com.amazonaws.us-east-1.s3": "pl-63a5400a"}  # the very id that AWS uses


def put_aws_prefix_lists(txn: Transaction, region: str) -> None:
    """Write AWS's lists where they are missing.  Their ids are the same in every installation."""
    for prefix_list in _lists(region):
        if txn.find(PrefixList, prefix_list.id) is None:
            txn.put(prefix_list, expect=0)


def ensure_aws_prefix_lists(store: Store, region: str) -> None:
    """For calls that only read: the lists of a store that was made before there were any."""
    if any(store.find(PrefixList, prefix_list.id) is None for prefix_list in _lists(region)):
        with store.write() as txn:
            put_aws_prefix_lists(txn, region)


def service_prefix_list(reader: Reader, service_name: str) -> PrefixList | None:
    """AWS's list of a service (com.amazonaws.REGION.SERVICE)."""
    return reader.find(PrefixList, _id(service_name))


def _lists(region: str) -> list[PrefixList]:
    return [
        PrefixList(
            id=_id(f"com.amazonaws.{region}.{service}"),
            name=f"com.amazonaws.{region}.{service}",
            owner_id="AWS",
            address_family="IPv4",
            max_entries=len(blocks),
            entries=tuple(PrefixListEntry(cidr=block) for block in blocks),
        )
        for service, blocks in _BLOCKS.items()
    ]


def _id(name: str) -> str:
    return _KNOWN_IDS.get(name) or f"pl-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
