"""What the operations of CloudWatch Logs ask permission for.

A group is asked for as log-group:NAME:log-stream:, so that policies name it log-group:NAME:*, as the user
guide has it; only the tagging operations use the bare ARN.

Source: "Actions, resources, and condition keys for Amazon CloudWatch Logs"; "CloudWatch Logs resources and
operations".
"""

from seawall.iam.access import CallFacts, Plain, Target, access, also
from seawall.model.log_group import LogGroup


def _name(params: Plain) -> str:
    name = params.get("logGroupName") or params.get("logGroupIdentifier") or ""
    return str(name).split(":log-group:", 1)[-1].removesuffix(":*")


def _tags(name: str, facts: CallFacts) -> dict[str, str]:
    group = facts.store.find(LogGroup, name)
    return group.tags if group else {}


def _group(params: Plain, facts: CallFacts) -> list[Target]:
    name = _name(params)
    return [Target(facts.arn("logs", f"log-group:{name}:log-stream:"), _tags(name, facts))]


def _stream(params: Plain, facts: CallFacts) -> list[Target]:
    name = _name(params)
    stream = params.get("logStreamName") or ""
    return [Target(facts.arn("logs", f"log-group:{name}:log-stream:{stream}"), _tags(name, facts))]


def _all_groups(params: Plain, facts: CallFacts) -> list[str]:
    return [facts.arn("logs", "log-group::log-stream:")]


def _live_groups(params: Plain, facts: CallFacts) -> list[Target]:
    given = params.get("logGroupIdentifiers") or ()
    return [target for one in given for target in _group({"logGroupIdentifier": one}, facts)]


def _tagged_group(params: Plain, facts: CallFacts) -> list[Target]:
    name = str(params["resourceArn"]).split(":log-group:", 1)[-1].removesuffix(":*")
    return [Target(facts.arn("logs", f"log-group:{name}"), _tags(name, facts))]


def _if_tagged(params: Plain, facts: CallFacts) -> list[str]:
    return [facts.arn("logs", f"log-group:{_name(params)}")] if params.get("tags") else []


for _operation in (
    *("CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "DescribeLogStreams", "FilterLogEvents"),
    *("ListTagsLogGroup", "PutLogGroupDeletionProtection", "PutRetentionPolicy", "TagLogGroup"),
    *("UntagLogGroup",),
):
    access("logs", _operation, resources=_group)
for _operation in ("CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"):
    access("logs", _operation, resources=_stream)
access("logs", "DescribeLogGroups", resources=_all_groups)
access("logs", "StartLiveTail", resources=_live_groups)
for _operation in ("TagResource", "UntagResource", "ListTagsForResource"):
    access("logs", _operation, resources=_tagged_group)
also("logs", "CreateLogGroup", action="logs:TagResource", resources=_if_tagged)
