"""deploymentConfiguration: how fast a service's tasks are replaced, and when that has failed.

Source: DeploymentConfiguration of the service model; "Amazon ECS service definition parameters".
"""

from typing import Any

from msgspec.structs import replace

from seawall.api.ecs.names import check_choice, invalid_parameter
from seawall.api.params import Params
from seawall.model.service import CircuitBreaker, DeploymentConfiguration
from seawall.wire.errors import NotImplementedHere

STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
THRESHOLDS = ("COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT")
UNUSED = ("bakeTimeInMinutes", "lifecycleHooks")
ALL = 100


def read_configuration(
    operation: str, params: Params | None, before: DeploymentConfiguration
) -> DeploymentConfiguration:
    """What is given replaces what was; the rest stays.  Raises ApiError."""
    if not params:
        return before
    strategy = params.get("strategy")
    check_choice(strategy, STRATEGIES, "strategy")
    if strategy not in (None, "ROLLING"):
        raise NotImplementedHere(
            f"{operation}: Seawall does not support the deployment strategy {strategy}; it deploys ROLLING."
            " Nothing was changed."
        )
    for name, value in params.copy_unread().items():
        if name in UNUSED and not value:
            params.get(name)  # given without content, it asks for nothing
    given = {
        "minimum_healthy_percent": params.get("minimumHealthyPercent"),
        "maximum_percent": params.get("maximumPercent"),
        "circuit_breaker": _circuit_breaker(params.get("deploymentCircuitBreaker")),
        "alarms": _alarms(params.get("alarms")),
    }
    after = replace(before, **{name: value for name, value in given.items() if value is not None})
    _check(after)
    return after


def show_configuration(configuration: DeploymentConfiguration) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "deploymentCircuitBreaker": _show_breaker(configuration.circuit_breaker or CircuitBreaker()),
        "maximumPercent": configuration.maximum_percent,
        "minimumHealthyPercent": configuration.minimum_healthy_percent,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
    }
    if configuration.alarms is not None:
        shown["alarms"] = configuration.alarms
    return shown


def _check(configuration: DeploymentConfiguration) -> None:
    least, most = configuration.minimum_healthy_percent, configuration.maximum_percent
    if least > ALL:
        raise invalid_parameter("minimumHealthyPercent must be at most 100")
    if least < 0:
        raise invalid_parameter("minimumHealthyPercent must be at least 0")
    if most < ALL:
        raise invalid_parameter("maximumPercent must be at least 100")
    if least == most == ALL:
        raise invalid_parameter(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments"
        )


def _circuit_breaker(params: Params | None) -> CircuitBreaker | None:
    if params is None:
        return None
    threshold = params.get("thresholdConfiguration") or {}
    kind, value = threshold.get("type", "BOUNDED_PERCENT"), threshold.get("value", 50)
    check_choice(kind, THRESHOLDS, "type")
    if value < 1:
        raise invalid_parameter("The value of thresholdConfiguration must be at least 1")
    return CircuitBreaker(
        enable=params["enable"],
        rollback=params["rollback"],
        threshold_type=kind,
        threshold_value=value,
        reset_on_healthy_task=params.get("resetOnHealthyTask", True),
    )


def _show_breaker(breaker: CircuitBreaker) -> dict[str, Any]:
    shown: dict[str, Any] = {"enable": breaker.enable, "rollback": breaker.rollback}
    if breaker.enable:
        shown["resetOnHealthyTask"] = breaker.reset_on_healthy_task
        shown["thresholdConfiguration"] = {"type": breaker.threshold_type, "value": breaker.threshold_value}
    return shown


def _alarms(params: Params | None) -> dict[str, Any] | None:
    if params is None:
        return None
    alarms = params.plain()
    if alarms["enable"] and not alarms["alarmNames"]:
        raise invalid_parameter("alarmNames can not be empty.")
    return alarms
