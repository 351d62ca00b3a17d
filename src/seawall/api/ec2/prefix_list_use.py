"""Who names a prefix list, and whose quota it would break."""

from seawall.api.ec2.route_rules import check_route_count
from seawall.api.ec2.security_group_rule import check_rule_count, rules_of
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


def users_of(reader: Reader, prefix_list: PrefixList) -> list[str]:
    """The ids of the security groups and route tables that name it."""
    groups = {rule.group_id for rule in reader.referrers(SecurityGroupRule, prefix_list.ref)}
    tables = {table.id for table in reader.referrers(RouteTable, prefix_list.ref)}
    return sorted(groups | tables)


def overburdened(reader: Reader, prefix_list: PrefixList) -> list[str]:
    """Those of its users whose quota it breaks, at the size it has in the store."""
    return [id for id in users_of(reader, prefix_list) if not _within_quota(reader, id)]


def _within_quota(reader: Reader, id: str) -> bool:
    try:
        if id.startswith("sg-"):
            check_rule_count(reader, rules_of(reader, reader.get(SecurityGroup, id)))
        else:
            check_route_count(reader, reader.get(RouteTable, id).routes)
    except ApiError:
        return False
    return True
