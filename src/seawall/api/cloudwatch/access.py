"""What the operations of CloudWatch ask permission for.

Source: "Actions, resources, and condition keys for Amazon CloudWatch".
"""

from seawall.iam.access import CallFacts, Context, Plain, access


def _namespace(params: Plain, facts: CallFacts) -> Context:
    return {"cloudwatch:namespace": params["Namespace"]}


access("cloudwatch", "PutMetricData", context=_namespace)
