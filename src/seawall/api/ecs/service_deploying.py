"""A new deployment of a service: the one before goes on until its tasks are replaced."""

from msgspec.structs import replace

from seawall.api.ecs.service_names import new_deployment_id, new_service_deployment_name
from seawall.api.ecs.service_shape import count, tasks_by_deployment
from seawall.api.registry import Call
from seawall.model.service import Deployment, Service, ServiceRevision
from seawall.model.service_deployment import ServiceDeployment, SourceRevision
from seawall.store.store import Reader, Transaction


def begin_deployment(call: Call, txn: Transaction, service: Service, revision: ServiceRevision) -> Service:
    """The service as it deploys `revision`; its history is written, the service itself is not."""
    deployment_id = new_deployment_id()
    deployment = Deployment(
        id=deployment_id,
        revision=revision.id,
        task_definition=revision.task_definition,
        desired_count=service.desired_count,
        rollout_state_reason=f"ECS deployment {deployment_id} in progress.",
        created_at=call.now,
        updated_at=call.now,
    )
    txn.put(
        ServiceDeployment(
            id=f"{service.id}/{new_service_deployment_name()}",
            cluster=service.cluster,
            service=service.name,
            deployment=deployment_id,
            target=revision.id,
            requested=service.desired_count,
            sources=_sources(txn, service),
            configuration=service.deployment_configuration,
            created_at=call.now,
            updated_at=call.now,
        ),
        expect=0,
    )
    others = tuple(replace(earlier, status="ACTIVE") for earlier in service.deployments)
    return replace(service, deployments=(deployment, *others), steady=False)


def _sources(reader: Reader, service: Service) -> tuple[SourceRevision, ...]:
    """What is deployed now, with the tasks it has."""
    tasks = tasks_by_deployment(reader, service)
    sources = {}
    for deployment in service.deployments:
        counted = count(tasks[deployment.id])
        sources[deployment.revision] = SourceRevision(
            revision=deployment.revision,
            requested=deployment.desired_count,
            running=counted.running,
            pending=counted.pending,
        )
    return tuple(sources.values())
