"""How ECS reads the names of services, their deployments and revisions, and the ARNs it gives them."""

import re
import secrets
import string

from seawall.api.ecs.names import find_cluster, invalid_parameter
from seawall.api.ecs.task_shape import Arns
from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.service import Service
from seawall.store.ids import new_digits
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

NAME = re.compile(r"[a-zA-Z0-9\-_]{1,255}")
_ALPHABET = string.ascii_letters + string.digits + "_-"
DEPLOYMENT_DIGITS = 19


def new_deployment_id() -> str:
    return f"ecs-svc/{new_digits(DEPLOYMENT_DIGITS)}"


def new_revision_number() -> str:
    return new_digits(DEPLOYMENT_DIGITS)


def new_service_deployment_name() -> str:
    """21 characters, as NCWGC2ZR-taawPAYrIaU5."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(21))


def service_arn(arns: Arns, service_id: str) -> str:
    return arns.arn(f"service/{service_id}")


def revision_arn(arns: Arns, revision_id: str) -> str:
    return arns.arn(f"service-revision/{revision_id}")


def service_deployment_arn(arns: Arns, deployment_id: str) -> str:
    return arns.arn(f"service-deployment/{deployment_id}")


def find_service(call: Call, reader: Reader, cluster: str | None, text: str) -> Service | None:
    """The service of that name or ARN in a cluster (None: the default one), whatever its status.

    An ARN may be the long one, service/CLUSTER/NAME, or the older service/NAME.
    Raises ApiError ClusterNotFoundException, and InvalidParameterException for another account's.
    """
    known = find_cluster(call, reader, cluster)
    named, _, name = _resource(call, text).rpartition("/")
    if named and named != known.id:
        return None
    return reader.find(Service, f"{known.id}/{name}")


def get_service(call: Call, reader: Reader, cluster: str | None, text: str) -> Service:
    """Raises ApiError ServiceNotFoundException."""
    service = find_service(call, reader, cluster, text)
    if service is None:
        raise ApiError("ServiceNotFoundException", "Service not found.")
    return service


def id_in_arn(call: Call, text: str, kind: str) -> str:
    """CLUSTER/SERVICE/ID of an ARN of that kind.  Raises ApiError InvalidParameterException."""
    arn = parse_arn(text)
    if arn is None or arn.service != "ecs" or not arn.resource.startswith(f"{kind}/"):
        raise invalid_parameter("Invalid identifier")
    if arn.account != call.account:
        raise invalid_parameter("AccountIDs mismatch")
    return arn.resource.removeprefix(f"{kind}/")


def _resource(call: Call, text: str) -> str:
    if not text.startswith("arn:"):
        return text
    arn = parse_arn(text)
    if arn is None or arn.service != "ecs" or not arn.resource.startswith("service/"):
        raise invalid_parameter("Invalid identifier")
    if arn.account != call.account:
        raise invalid_parameter("AccountIDs mismatch")
    return arn.resource.removeprefix("service/")
