"""What the operations of Cloud Map ask permission for.

Source: "Actions, resources, and condition keys for AWS Cloud Map".
"""

from collections.abc import Iterable

from seawall.iam.access import CallFacts, Context, Plain, Resources, Target, access, also
from seawall.model.service_discovery import DiscoveryNamespace, DiscoveryService

ON_NAMESPACES = (
    *("GetNamespace", "DeleteNamespace", "UpdateHttpNamespace", "UpdatePrivateDnsNamespace"),
    "UpdatePublicDnsNamespace",
)
ON_SERVICES = {
    "GetService": "Id",
    "DeleteService": "Id",
    "UpdateService": "Id",
    "RegisterInstance": "ServiceId",
    "DeregisterInstance": "ServiceId",
    "GetServiceAttributes": "ServiceId",
    "UpdateServiceAttributes": "ServiceId",
    "DeleteServiceAttributes": "ServiceId",
}
BY_SERVICE_ARN = (  # these know no resources, but the key servicediscovery:ServiceArn
    *("GetInstance", "GetInstancesHealthStatus", "ListInstances", "UpdateInstanceCustomHealthStatus"),
)


def _namespace(params: Plain, facts: CallFacts) -> Iterable[Target]:
    id = str(params.get("Id") or params.get("NamespaceId") or "").rpartition("/")[2]
    known = facts.store.find(DiscoveryNamespace, id)
    return [Target(facts.arn("servicediscovery", f"namespace/{id}"), known.tags if known else {})]


def _service_of(member: str, params: Plain, facts: CallFacts) -> Target:
    id = str(params.get(member) or "").rpartition("/")[2]
    known = facts.store.find(DiscoveryService, id)
    arn = facts.arn("servicediscovery", f"service/{id}")
    return Target(arn, known.tags if known else {}, {"servicediscovery:ServiceArn": arn})


def _on_service(member: str) -> Resources:
    return lambda params, facts: [_service_of(member, params, facts)]


def _of_service(params: Plain, facts: CallFacts) -> Context:
    return _service_of("ServiceId", params, facts).context


def _discovered(params: Plain, facts: CallFacts) -> Context:
    return {
        "servicediscovery:NamespaceName": params["NamespaceName"],
        "servicediscovery:ServiceName": params["ServiceName"],
    }


def _tagged(params: Plain, facts: CallFacts) -> Iterable[str]:
    return [params["ResourceARN"]]


def _new_zone(params: Plain, facts: CallFacts) -> Iterable[str]:
    return ["*"]


def _seen_vpc(params: Plain, facts: CallFacts) -> Iterable[str]:
    return ["*"]


for _operation in ON_NAMESPACES:
    access("servicediscovery", _operation, resources=_namespace)
for _operation, _member in ON_SERVICES.items():
    access("servicediscovery", _operation, resources=_on_service(_member))
for _operation in BY_SERVICE_ARN:
    access("servicediscovery", _operation, context=_of_service)
access("servicediscovery", "CreateService", resources=_namespace)
for _operation in ("DiscoverInstances", "DiscoverInstancesRevision"):
    access("servicediscovery", _operation, context=_discovered)
for _operation in ("TagResource", "UntagResource", "ListTagsForResource"):
    access("servicediscovery", _operation, resources=_tagged)
for _operation in ("CreatePrivateDnsNamespace", "CreatePublicDnsNamespace"):
    also("servicediscovery", _operation, action="route53:CreateHostedZone", resources=_new_zone)
also("servicediscovery", "CreatePrivateDnsNamespace", action="ec2:DescribeVpcs", resources=_seen_vpc)
