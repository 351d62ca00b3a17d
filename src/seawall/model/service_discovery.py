"""AWS Cloud Map: namespaces, services and instances, and the DNS records that instances make."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from seawall.model.hosted_zone import AliasTarget, RecordSet
from seawall.model.resource import Ref, Resource, Tags, kind

NamespaceType = Literal["HTTP", "DNS_PRIVATE", "DNS_PUBLIC"]
RecordType = Literal["A", "AAAA", "SRV", "CNAME"]

IPV4, IPV6, PORT = "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT"
CNAME, ALIAS = "AWS_INSTANCE_CNAME", "AWS_ALIAS_DNS_NAME"


@kind("discovery_namespace")
class DiscoveryNamespace(Resource, frozen=True, kw_only=True):
    """`id` is ns- and 16 lower-case letters or digits.  A DNS namespace has a hosted zone of its name."""

    name: str
    type: NamespaceType
    description: str | None = None
    hosted_zone_id: str | None = None
    soa_ttl: int | None = None
    creator_request_id: str
    create_date: datetime
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("hosted_zone", self.hosted_zone_id),) if self.hosted_zone_id else ()


class DnsRecord(msgspec.Struct, frozen=True, kw_only=True):
    type: RecordType
    ttl: int


@kind("discovery_service")
class DiscoveryService(Resource, frozen=True, kw_only=True):
    """`id` is srv- and 16 lower-case letters or digits.

    records             none: its instances are found by API only
    custom_health       its instances are healthy or not as UpdateInstanceCustomHealthStatus says
    instances_revision  counts what happened to its instances
    """

    namespace_id: str
    name: str
    type: Literal["HTTP", "DNS_HTTP", "DNS"] = "DNS_HTTP"
    description: str | None = None
    records: tuple[DnsRecord, ...] = ()
    routing_policy: Literal["MULTIVALUE", "WEIGHTED"] = "MULTIVALUE"
    custom_health: bool = False
    instances_revision: int = 1
    attributes: dict[str, str] = {}
    creator_request_id: str
    create_date: datetime
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("discovery_namespace", self.namespace_id),)


@kind("discovery_instance")
class DiscoveryInstance(Resource, frozen=True, kw_only=True):
    """`id` is SERVICE_ID/INSTANCE_ID.

    healthy   of a service with custom health; else it is True
    """

    service_id: str
    instance_id: str
    attributes: dict[str, str]
    healthy: bool = True
    creator_request_id: str | None = None
    registered_at: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("discovery_service", self.service_id),)


@kind("discovery_operation")
class DiscoveryOperation(Resource, frozen=True, kw_only=True):
    """What an asynchronous call answered with.  Here all of it is done when it is answered."""

    type: str
    targets: dict[str, str]
    create_date: datetime


def with_change(service: DiscoveryService) -> DiscoveryService:
    """The service after an instance was registered, changed or deregistered."""
    return replace(service, instances_revision=service.instances_revision + 1)


def discovered(instances: Iterable[DiscoveryInstance]) -> list[DiscoveryInstance]:
    """The healthy ones; all of them when none is."""
    known = list(instances)
    return [instance for instance in known if instance.healthy] or known


def instance_records(
    namespace: DiscoveryNamespace, service: DiscoveryService, instances: Iterable[DiscoveryInstance]
) -> Iterator[RecordSet]:
    """The record sets of a service in its namespace's zone: those of healthy instances, or of all.

    Source: API reference of Cloud Map, "DnsRecord", "DnsConfig" and "RegisterInstance".
    """
    if namespace.hosted_zone_id is None:
        return
    for instance in discovered(instances):
        for record in service.records:
            yield from _records(namespace, service, instance, record)


def _records(
    namespace: DiscoveryNamespace, service: DiscoveryService, instance: DiscoveryInstance, record: DnsRecord
) -> Iterator[RecordSet]:
    name = f"{service.name}.{namespace.name}.".lower()
    given = instance.attributes
    if record.type in ("A", "AAAA") and ALIAS in given:
        yield _record(namespace, service, instance, record, name, alias=given[ALIAS])
    elif record.type == "SRV":
        host = f"{instance.instance_id}.{name}".lower()
        yield _record(namespace, service, instance, record, name, f"1 1 {given[PORT]} {host}")
        for type, attribute in (("A", IPV4), ("AAAA", IPV6)):
            if attribute in given:
                yield RecordSet(
                    id=f"{instance.id}/{type}",
                    hosted_zone_id=namespace.hosted_zone_id or "",
                    name=host,
                    type=type,
                    ttl=record.ttl,
                    values=(given[attribute],),
                )
    else:
        attribute = {"A": IPV4, "AAAA": IPV6, "CNAME": CNAME}[record.type]
        if attribute in given:
            yield _record(namespace, service, instance, record, name, given[attribute])


def _record(
    namespace: DiscoveryNamespace,
    service: DiscoveryService,
    instance: DiscoveryInstance,
    record: DnsRecord,
    name: str,
    *values: str,
    alias: str | None = None,
) -> RecordSet:
    weighted = service.routing_policy == "WEIGHTED"
    target = None
    if alias is not None:
        dns_name = f"{alias.rstrip('.')}.".lower()
        target = AliasTarget(hosted_zone_id="", dns_name=dns_name, evaluate_target_health=False)
    return RecordSet(
        id=f"{instance.id}/{name}/{record.type}",
        hosted_zone_id=namespace.hosted_zone_id or "",
        name=name,
        type=record.type,
        ttl=None if target else record.ttl,
        values=values,
        alias=target,
        set_identifier=instance.instance_id,
        weight=1 if weighted else None,
        multi_value_answer=None if weighted else True,
    )
