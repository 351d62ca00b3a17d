"""What is stored of an ECS service besides the service itself."""

from seawall.model.service import Service, ServiceEvents, ServiceRevision
from seawall.model.service_deployment import ServiceDeployment
from seawall.model.service_notice import ServiceNotice
from seawall.store.store import Transaction


def forget_service(txn: Transaction, service: Service) -> None:
    """Remove a service with its events, revisions and deployments."""
    for cls in (ServiceEvents, ServiceNotice, ServiceRevision, ServiceDeployment):
        for record in txn.referrers(cls, service.ref):
            txn.delete(cls, record.id)
    txn.delete(Service, service.id)
