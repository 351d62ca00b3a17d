"""Network ACLs: the default one that every VPC is born with, described."""

from collections.abc import Callable, Iterable
from typing import Any

from seawall.api.ec2.describe import Filters, Value, answer, chosen, filtered, paged
from seawall.api.ec2.tagging import tag_list
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.store.store import Reader

# The rule that ends every list and denies what no other rule decided.
_LAST_RULE = 32767


@operation("ec2", "DescribeNetworkAcls", note="Each VPC has its default ACL; others cannot be made yet.")
def describe_network_acls(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    acls = chosen(reader, NetworkAcl, params.get("NetworkAclIds"))
    acls = filtered(params, acls, _filters(reader, call.account), tags=lambda acl: acl.tags)
    page, token = paged(params, acls, lambda acl: acl.id)
    return answer("NetworkAcls", [_shown(reader, acl, call.account) for acl in page], token)


def _filters(reader: Reader, account: str) -> Filters[NetworkAcl]:
    of_entry: dict[str, Callable[[NetworkAclEntry], Value]] = {
        "cidr": lambda entry: entry.cidr_block,
        "egress": lambda entry: entry.egress,
        "icmp.code": lambda entry: None,
        "icmp.type": lambda entry: None,
        "ipv6-cidr": lambda entry: None,
        "port-range.from": lambda entry: None,
        "port-range.to": lambda entry: None,
        "protocol": lambda entry: entry.protocol,
        "rule-action": lambda entry: entry.rule_action,
        "rule-number": lambda entry: entry.rule_number,
    }
    found: dict[str, Callable[[NetworkAcl], Value | Iterable[Value]]] = {
        f"entry.{name}": _over_entries(value) for name, value in of_entry.items()
    }
    return found | {
        "association.association-id": lambda acl: [_association_id(s) for s in _subnets(reader, acl)],
        "association.network-acl-id": lambda acl: acl.id if _subnets(reader, acl) else None,
        "association.subnet-id": lambda acl: [subnet.id for subnet in _subnets(reader, acl)],
        "default": lambda acl: acl.is_default,
        "network-acl-id": lambda acl: acl.id,
        "owner-id": lambda acl: account,
        "vpc-id": lambda acl: acl.vpc_id,
    }


def _over_entries(
    value: Callable[[NetworkAclEntry], Value],
) -> Callable[[NetworkAcl], Iterable[Value]]:
    return lambda acl: [value(entry) for entry in _entries(acl)]


def _entries(acl: NetworkAcl) -> list[NetworkAclEntry]:
    """The stored entries and the two that are always there."""
    last = [
        NetworkAclEntry(
            rule_number=_LAST_RULE, protocol="-1", rule_action="deny", egress=egress, cidr_block="0.0.0.0/0"
        )
        for egress in (True, False)
    ]
    return sorted([*acl.entries, *last], key=lambda entry: (not entry.egress, entry.rule_number))


def _subnets(reader: Reader, acl: NetworkAcl) -> list[Subnet]:
    return reader.referrers(Subnet, Ref("vpc", acl.vpc_id)) if acl.is_default else []


def _association_id(subnet: Subnet) -> str:
    # A subnet has one association and it never moves, so its id can follow from the subnet's.
    return subnet.id.replace("subnet-", "aclassoc-")


def _shown(reader: Reader, acl: NetworkAcl, account: str) -> dict[str, Any]:
    return {
        "NetworkAclId": acl.id,
        "VpcId": acl.vpc_id,
        "IsDefault": acl.is_default,
        "OwnerId": account,
        "Associations": [
            {
                "NetworkAclAssociationId": _association_id(subnet),
                "NetworkAclId": acl.id,
                "SubnetId": subnet.id,
            }
            for subnet in _subnets(reader, acl)
        ],
        "Entries": [
            {
                "RuleNumber": entry.rule_number,
                "Protocol": entry.protocol,
                "RuleAction": entry.rule_action,
                "Egress": entry.egress,
                "CidrBlock": entry.cidr_block,
            }
            for entry in _entries(acl)
        ],
        "Tags": tag_list(acl.tags),
    }
