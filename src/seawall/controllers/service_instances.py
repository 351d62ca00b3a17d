"""The instances of Cloud Map that services' tasks are: written with the looks of the loop of services."""

from seawall.compile.service.discovery import instances, service_id
from seawall.compile.service.situation import Situation
from seawall.model.resource import Ref
from seawall.model.service import ServiceRevision
from seawall.model.service_discovery import DiscoveryInstance, DiscoveryService, with_change
from seawall.model.task import Task
from seawall.store.store import Reader, Transaction


def write_instances(txn: Transaction, situation: Situation, region: str) -> None:
    """Register and deregister what the tasks' states ask for."""
    ids = {service_id(registry) for r in situation.revisions.values() for registry in r.service_registries}
    if not ids:
        return
    services = {id: service for id in ids if (service := txn.find(DiscoveryService, id)) is not None}
    own = {task.id for task in situation.tasks}
    held = [
        instance
        for id in ids
        for instance in txn.referrers(DiscoveryInstance, Ref(DiscoveryService.KIND, id))
        if instance.instance_id in own
    ]
    change = instances(situation, services, held, region)
    for instance in change.put:
        txn.put(instance)
    for id in change.gone:
        txn.delete(DiscoveryInstance, id)
    changed = {instance.service_id for instance in change.put} | {id.partition("/")[0] for id in change.gone}
    for id in changed & services.keys():
        txn.put(with_change(services[id]))


def is_undiscovered(reader: Reader, task: Task, revision: ServiceRevision) -> bool:
    """Whether Cloud Map, where its service uses it, does not know the task yet."""
    wanted = [service_id(registry) for registry in revision.service_registries]
    return any(
        reader.find(DiscoveryService, id) is not None
        and reader.find(DiscoveryInstance, f"{id}/{task.id}") is None
        for id in wanted
    )
