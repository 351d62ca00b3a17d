"""What the operations of Application Auto Scaling ask permission for.

Source: "Actions, resources, and condition keys for AWS Application Auto Scaling".
"""

from collections.abc import Iterable

from seawall.api.iam.service_linked_role import missing_linked_role
from seawall.iam.access import CallFacts, Context, Plain, Target, access, also
from seawall.iam.trust import SCALING_SERVICE
from seawall.model.scaling import ScalableTarget

SERVICE = "application-autoscaling"


def _target(params: Plain, facts: CallFacts) -> Iterable[Target]:
    known = facts.store.find(ScalableTarget, str(params.get("ResourceId") or ""))
    id = known.arn_id if known else "*"
    return [Target(facts.arn(SERVICE, f"scalable-target/{id}"), known.tags if known else {})]


def _by_arn(params: Plain, facts: CallFacts) -> Iterable[str]:
    return [params["ResourceARN"]]


def _keys(params: Plain, facts: CallFacts) -> Context:
    keys = {
        "application-autoscaling:service-namespace": params.get("ServiceNamespace"),
        "application-autoscaling:scalable-dimension": params.get("ScalableDimension"),
    }
    return {name: str(value) for name, value in keys.items() if value is not None}


def _linked_role(params: Plain, facts: CallFacts) -> list[str]:
    """The service's own role is made with the first target, in the caller's name."""
    return missing_linked_role(facts, SCALING_SERVICE)


def _linked_context(params: Plain, facts: CallFacts) -> Context:
    return {"iam:AWSServiceName": SCALING_SERVICE}


for _operation in (
    *("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"),
    *("PutScheduledAction", "DeleteScheduledAction"),
):
    access(SERVICE, _operation, resources=_target, context=_keys)
for _operation in ("TagResource", "UntagResource", "ListTagsForResource"):
    access(SERVICE, _operation, resources=_by_arn)
also(
    SERVICE,
    "RegisterScalableTarget",
    action="iam:CreateServiceLinkedRole",
    resources=_linked_role,
    context=_linked_context,
)
