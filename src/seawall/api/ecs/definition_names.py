"""Which task definition a text means: FAMILY (its newest active revision), FAMILY:REVISION, or an ARN."""

from seawall.api.ecs.names import client_exception, invalid_parameter
from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.task_definition import TaskDefinition, TaskDefinitionFamily, task_definition_id
from seawall.store.store import Reader


def split_name(call: Call, text: str) -> tuple[str, int | None]:
    """Family and revision, None where no revision is given.  Raises ApiError."""
    name = text
    if text.startswith("arn:"):
        arn = parse_arn(text)
        if arn is None or arn.service != "ecs" or not arn.resource.startswith("task-definition/"):
            raise client_exception("Invalid arn syntax.")
        if arn.account != call.account:
            raise invalid_parameter("AccountIDs mismatch")
        name = arn.resource.removeprefix("task-definition/")
    family, colon, revision = name.partition(":")
    if not colon:
        return family, None
    if not revision.isascii() or not revision.isdigit():
        raise invalid_parameter(f"Invalid revision number. Number: {revision}")
    return family, int(revision)


def find_definition(call: Call, reader: Reader, text: str) -> TaskDefinition | None:
    """The definition a text means, whatever its status; for a bare family its newest active revision."""
    family, revision = split_name(call, text)
    if revision is not None:
        return reader.find(TaskDefinition, task_definition_id(family, revision))
    known = reader.find(TaskDefinitionFamily, family)
    for number in range(known.last_revision if known else 0, 0, -1):
        definition = reader.find(TaskDefinition, task_definition_id(family, number))
        if definition is not None and definition.status == "ACTIVE":
            return definition
    return None


def runnable_definition(call: Call, reader: Reader, text: str) -> TaskDefinition:
    """The definition a task may be made of.  Raises ApiError ClientException."""
    definition = find_definition(call, reader, text)
    if definition is None or definition.status == "DELETE_IN_PROGRESS":
        raise client_exception("TaskDefinition not found.")
    if definition.status == "INACTIVE":
        raise client_exception("TaskDefinition is inactive")
    return definition


def definition_arn(call: Call, definition_id: str) -> str:
    return call.arn(f"task-definition/{definition_id}")
