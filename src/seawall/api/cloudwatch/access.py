"""What the operations of CloudWatch ask permission for.

Source: "Actions, resources, and condition keys for Amazon CloudWatch".
"""

from seawall.iam.access import CallFacts, Context, Plain, access


def _namespace(params: Plain, facts: CallFacts) -> Context:
    return {"cloudwatch:namespace": params["Namespace"]}


access("cloudwatch", "PutMetricData", context=_namespace)


def _alarms(params: Plain, facts: CallFacts) -> list[str]:
    names = params.get("AlarmNames") or [params.get("AlarmName") or "*"]
    return [facts.arn("cloudwatch", f"alarm:{name}") for name in names]


for _operation in (
    *("PutMetricAlarm", "DeleteAlarms", "SetAlarmState", "EnableAlarmActions", "DisableAlarmActions"),
    "DescribeAlarms",
):
    access("cloudwatch", _operation, resources=_alarms)
