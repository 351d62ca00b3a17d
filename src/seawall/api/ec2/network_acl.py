"""Network ACLs: create, delete, describe; and which subnet has which."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, Value, answer, chosen, filtered, paged
from seawall.api.ec2.idempotency import once
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.network_acl_entry import shown_entry, visible_entries
from seawall.api.ec2.quotas import NETWORK_ACLS_PER_VPC, check_quota
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_acl import NetworkAcl, NetworkAclAssociation, NetworkAclEntry
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError


@operation("ec2", "CreateNetworkAcl")
def create_network_acl(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        acl = look_up(txn, NetworkAcl, once(call, params, txn, _create))
        shown = {"NetworkAcl": _shown(txn, acl, call.account)}
        token = params.get("ClientToken")
        return shown | {"ClientToken": token} if token else shown


def _create(call: Call, params: Params, txn: Transaction) -> str:
    """A new ACL has no rules of its own, so it denies everything."""
    vpc = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
    count = len(txn.referrers(NetworkAcl, vpc.ref))
    check_quota(txn, count + 1, NETWORK_ACLS_PER_VPC, "NetworkAclLimitExceeded")
    acl = NetworkAcl(
        id=new_id("acl"), vpc_id=vpc.id, is_default=False, entries=(), tags=tags_for(params, "network-acl")
    )
    txn.put(acl, expect=0)
    return acl.id


@operation("ec2", "DeleteNetworkAcl")
def delete_network_acl(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        acl = look_up(txn, NetworkAcl, required(params.get("NetworkAclId"), "networkAclId"))
        if acl.is_default:
            raise ApiError("InvalidParameterValue", f"cannot delete default network ACL {acl.id}")
        if acl.associations:
            raise ApiError(
                "DependencyViolation", f"The networkAcl '{acl.id}' has dependencies and cannot be deleted."
            )
        txn.delete(NetworkAcl, acl.id)
    return {}


@operation("ec2", "ReplaceNetworkAclAssociation")
def replace_network_acl_association(call: Call, params: Params) -> dict[str, Any]:
    """Give a subnet another ACL.  Asking for the one it has changes nothing."""
    with call.write() as txn:
        id = required(params.get("AssociationId"), "associationId")
        check_id(id, "aclassoc", "InvalidNetworkAclAssociationId.Malformed")
        new = look_up(txn, NetworkAcl, required(params.get("NetworkAclId"), "networkAclId"))
        old, association = _association(txn, id)
        if new.vpc_id != old.vpc_id:
            raise ApiError(
                "InvalidParameterValue",
                f"networkAcl {new.id} and subnet {association.subnet_id} belong to different networks",
            )
        if new.id == old.id:
            return {"NewAssociationId": id}
        remaining = tuple(a for a in old.associations if a.association_id != id)
        txn.put(replace(old, associations=remaining))
        moved = NetworkAclAssociation(association_id=new_id("aclassoc"), subnet_id=association.subnet_id)
        txn.put(replace(new, associations=(*new.associations, moved)))
    return {"NewAssociationId": moved.association_id}


def forget_subnet(txn: Transaction, subnet: Subnet) -> None:
    """Write every ACL without `subnet`, which is about to go."""
    for acl in txn.referrers(NetworkAcl, subnet.ref):
        kept = tuple(a for a in acl.associations if a.subnet_id != subnet.id)
        txn.put(replace(acl, associations=kept))


@operation("ec2", "DescribeNetworkAcls")
def describe_network_acls(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    acls = chosen(reader, NetworkAcl, params.get("NetworkAclIds"))
    acls = filtered(params, acls, _filters(reader, call.account), tags=lambda acl: acl.tags)
    page, token = paged(params, acls, lambda acl: acl.id)
    return answer("NetworkAcls", [_shown(reader, acl, call.account) for acl in page], token)


def _filters(reader: Reader, account: str) -> Filters[NetworkAcl]:
    of_entry: dict[str, Callable[[NetworkAclEntry], Value]] = {
        "cidr": lambda entry: None if ":" in entry.cidr_block else entry.cidr_block,
        "egress": lambda entry: entry.egress,
        "icmp.code": lambda entry: entry.icmp_code,
        "icmp.type": lambda entry: entry.icmp_type,
        "ipv6-cidr": lambda entry: entry.cidr_block if ":" in entry.cidr_block else None,
        "port-range.from": lambda entry: entry.from_port,
        "port-range.to": lambda entry: entry.to_port,
        "protocol": lambda entry: entry.protocol,
        "rule-action": lambda entry: entry.rule_action,
        "rule-number": lambda entry: entry.rule_number,
    }
    found: dict[str, Callable[[NetworkAcl], Value | Iterable[Value]]] = {
        f"entry.{name}": _over_entries(reader, value) for name, value in of_entry.items()
    }
    return found | {
        "association.association-id": lambda acl: [a.association_id for a in _associations(reader, acl)],
        "association.network-acl-id": lambda acl: acl.id if _associations(reader, acl) else None,
        "association.subnet-id": lambda acl: [a.subnet_id for a in _associations(reader, acl)],
        "default": lambda acl: acl.is_default,
        "network-acl-id": lambda acl: acl.id,
        "owner-id": lambda acl: account,
        "vpc-id": lambda acl: acl.vpc_id,
    }


def _over_entries(
    reader: Reader, value: Callable[[NetworkAclEntry], Value]
) -> Callable[[NetworkAcl], Iterable[Value]]:
    return lambda acl: [value(entry) for entry in visible_entries(reader, acl)]


def _associations(reader: Reader, acl: NetworkAcl) -> list[NetworkAclAssociation]:
    """The ACL's associations; those of the default one include the subnets that no ACL names."""
    if not acl.is_default:
        return list(acl.associations)
    vpc = Ref("vpc", acl.vpc_id)
    named = {a.subnet_id for other in reader.referrers(NetworkAcl, vpc) for a in other.associations}
    unnamed = [subnet.id for subnet in reader.referrers(Subnet, vpc) if subnet.id not in named]
    return [*acl.associations, *(_association_by_birth(id) for id in unnamed)]


def _association_by_birth(subnet_id: str) -> NetworkAclAssociation:
    """The one a subnet has until it is first moved; its id can follow from the subnet's."""
    id = subnet_id.replace("subnet-", "aclassoc-")
    return NetworkAclAssociation(association_id=id, subnet_id=subnet_id)


def _association(txn: Transaction, id: str) -> tuple[NetworkAcl, NetworkAclAssociation]:
    for acl in txn.all(NetworkAcl):
        for association in _associations(txn, acl):
            if association.association_id == id:
                return acl, association
    raise ApiError("InvalidAssociationID.NotFound", f"The association ID '{id}' does not exist")


def _shown(reader: Reader, acl: NetworkAcl, account: str) -> dict[str, Any]:
    return {
        "NetworkAclId": acl.id,
        "VpcId": acl.vpc_id,
        "IsDefault": acl.is_default,
        "OwnerId": account,
        "Associations": [
            {
                "NetworkAclAssociationId": association.association_id,
                "NetworkAclId": acl.id,
                "SubnetId": association.subnet_id,
            }
            for association in _associations(reader, acl)
        ],
        "Entries": [shown_entry(entry) for entry in visible_entries(reader, acl)],
        "Tags": tag_list(acl.tags),
    }
