"""Who names a prefix list, and what that costs them of their quotas."""

from seawall.api.ec2.quotas import RULES_PER_GROUP
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroupRule
from seawall.store.store import Reader


def rule_weight(reader: Reader, rule: SecurityGroupRule) -> int:
    """How many rules this one counts for: a prefix list as many as it may have entries, all else one."""
    found = reader.find(PrefixList, rule.prefix_list_id) if rule.prefix_list_id else None
    return found.weight if found else 1


def route_weight(reader: Reader, destination: str) -> int:
    """How many routes a route to this destination counts for."""
    found = reader.find(PrefixList, destination) if destination.startswith("pl-") else None
    return found.weight if found else 1


def users_of(reader: Reader, prefix_list: PrefixList) -> list[str]:
    """The ids of the security groups and route tables that name it."""
    groups = {rule.group_id for rule in reader.referrers(SecurityGroupRule, prefix_list.ref)}
    tables = {table.id for table in reader.referrers(RouteTable, prefix_list.ref)}
    return sorted(groups | tables)


def oversized_groups(reader: Reader, prefix_list: PrefixList, size: int) -> list[str]:
    """The groups that would have too many rules in one direction if the list had that size."""
    found = []
    rules = reader.referrers(SecurityGroupRule, prefix_list.ref)
    for group_id, is_egress in sorted({(rule.group_id, rule.is_egress) for rule in rules}):
        same = [
            r for r in reader.all(SecurityGroupRule) if (r.group_id, r.is_egress) == (group_id, is_egress)
        ]
        family = [r for r in same if _may_be_of(reader, r, prefix_list.address_family)]
        total = sum(size if r.prefix_list_id == prefix_list.id else rule_weight(reader, r) for r in family)
        if total > RULES_PER_GROUP:
            found.append(group_id)
    return sorted(set(found))


def _may_be_of(reader: Reader, rule: SecurityGroupRule, family: str) -> bool:
    """Whether a rule counts in that address family; one that names a group counts in both."""
    if rule.prefix_list_id:
        found = reader.find(PrefixList, rule.prefix_list_id)
        return found is not None and found.address_family == family
    return not (rule.cidr_ipv6 if family == "IPv4" else rule.cidr_ipv4)
