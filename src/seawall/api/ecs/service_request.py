"""The settings of CreateService and UpdateService that each stand for themselves.

Sources: CreateService of the API reference; texts as seen from it.
"""

from typing import Any

from seawall.api.ecs.names import check_choice, invalid_parameter
from seawall.api.params import Params
from seawall.model.service import Propagation, Rebalancing
from seawall.wire.errors import NotImplementedHere

LONGEST_TOKEN = 36
MOST_TASKS = 5000  # of a service
LONGEST_GRACE_S = 2_147_483_647
ON_OFF = ("ENABLED", "DISABLED")
UNUSED = (
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
)


def read_token(token: str | None) -> str | None:
    """Raises ApiError for what can be no client token: up to 36 printable ASCII characters, no spaces."""
    if token and len(token) > LONGEST_TOKEN:
        raise invalid_parameter(f"clientToken can be at most {LONGEST_TOKEN} characters.")
    if token and not all("!" <= character <= "~" for character in token):
        raise invalid_parameter("clientToken can contain the ASCII characters 33 to 126 only.")
    return token


def check_new_service(operation: str, params: Params) -> None:
    """Refuse schedulers and controllers that there are none of."""
    strategy = params.get("schedulingStrategy")
    check_choice(strategy, ("REPLICA", "DAEMON"), "scheduling strategy")
    if strategy == "DAEMON":
        if params.get("desiredCount") is not None:
            raise invalid_parameter(
                "The daemon scheduling strategy does not support a desired count for services. Remove the"
                " desired count value and try again"
            )
        if params.get("placementStrategy"):
            raise invalid_parameter(
                "The daemon scheduling strategy does not support placement strategies. Remove the placement"
                " strategy and try again"
            )
        percent = (params.get("deploymentConfiguration") or {}).get("maximumPercent") or 0
        if percent > 100:
            raise invalid_parameter(
                "The daemon scheduling strategy does not support values above 100 for maximumPercent"
            )
        if params.get("availabilityZoneRebalancing") == "ENABLED":
            raise invalid_parameter("Availability Zone Rebalancing does not support DAEMON services")
        raise invalid_parameter("The daemon scheduling strategy is not supported with FARGATE launch type.")
    check_controller(operation, params)


def check_controller(operation: str, params: Params) -> None:
    controller = params.get("deploymentController")
    kind = controller["type"] if controller else "ECS"
    check_choice(kind, ("ECS", "CODE_DEPLOY", "EXTERNAL"), "deployment controller type")
    if kind != "ECS":
        raise NotImplementedHere(
            f"{operation}: Seawall does not support the deployment controller {kind}. Nothing was changed."
        )


def pass_over_unused(params: Params) -> None:
    """What is not served may be given without content or switched off.  Raises ApiError for EBS volumes."""
    for volume in params.copy_unread().get("volumeConfigurations") or ():
        raise invalid_parameter(
            f"The volume name '{volume['name']}' in your request does not have a matching volume in your Task"
            " Definition"
        )
    for name, value in params.copy_unread().items():
        if name in UNUSED and not (value and _is_on(value)):
            given = params.get(name)
            if isinstance(given, Params):
                given.plain()


def _is_on(value: Any) -> bool:
    return not isinstance(value, dict) or bool(value.get("enabled", True))


def read_desired_count(params: Params, *, required: bool) -> int | None:
    desired: int | None = params.get("desiredCount")
    if desired is None:
        if required:
            raise invalid_parameter("The replica scheduling strategy requires a desired count for services.")
        return None
    if desired < 0:
        raise invalid_parameter("desiredCount must be at least 0.")
    if desired > MOST_TASKS:
        raise invalid_parameter(f"desiredCount can be at most {MOST_TASKS}.")
    return desired


def read_grace_period(params: Params, *, has_balancers: bool) -> int | None:
    seconds: int | None = params.get("healthCheckGracePeriodSeconds")
    if seconds is None:
        return 0 if has_balancers and "serviceName" in params else None
    if not 0 <= seconds <= LONGEST_GRACE_S:
        raise invalid_parameter(f"healthCheckGracePeriodSeconds must be between 0 and {LONGEST_GRACE_S}.")
    if seconds and not has_balancers:
        raise invalid_parameter(
            "Health check grace period is only valid for services configured to use load balancers"
        )
    return seconds


def read_propagation(params: Params) -> Propagation | None:
    check_choice(params.get("propagateTags"), ("TASK_DEFINITION", "SERVICE", "NONE"), "propagateTags")
    value: Propagation | None = params.get("propagateTags")
    return value


def read_rebalancing(params: Params) -> Rebalancing | None:
    check_choice(params.get("availabilityZoneRebalancing"), ON_OFF, "availabilityZoneRebalancing")
    value: Rebalancing | None = params.get("availabilityZoneRebalancing")
    return value


def refuse_role(role: str | None, *, has_balancers: bool) -> None:
    """Tasks with interfaces of their own need the service-linked role, so none can be given."""
    if not role:
        return
    if not has_balancers:
        raise invalid_parameter("IAM roles are only valid for services configured to use load balancers.")
    raise invalid_parameter("You cannot specify an IAM role for services that require a service linked role.")
