"""What ECS looks after while a container runs: its health, its restarts, its time to start and to stop.

Sources: HealthCheck, ContainerRestartPolicy and ContainerDefinition of the service model.  The words about
retries and restartAttemptPeriod are AWS's; those about the other numbers follow them.
"""

from seawall.api.ecs.names import client_exception
from seawall.model.task_definition import ContainerDefinition, ContainerRestartPolicy, HealthCheck
from seawall.wire.errors import ApiError

LEAST_TIMEOUT_S = 2
INTERVAL_S = (5, 300)
TIMEOUT_S = (2, 60)
RETRIES = (1, 10)
START_PERIOD_S = (0, 300)
ATTEMPT_PERIOD_S = (60, 1800)
MOST_EXIT_CODES = 50


def check_supervision(container: ContainerDefinition) -> None:
    """Raises ApiError ClientException."""
    for kind, value in (("start", container.start_timeout), ("stop", container.stop_timeout)):
        if value is not None and value < LEAST_TIMEOUT_S:
            raise client_exception(
                f"Granular {kind} timeout on container '{container.name}' must be at least"
                f" {LEAST_TIMEOUT_S} seconds."
            )
    if container.health_check is not None:
        _check_health(container.name, container.health_check)
    if container.restart_policy is not None:
        _check_restarts(container.name, container.restart_policy)


def _check_health(name: str, check: HealthCheck) -> None:
    if not any(check.command[1:]):
        raise client_exception(f"Health check command must not be empty for container '{name}'")
    for words, value, (least, most) in (
        ("interval", check.interval, INTERVAL_S),
        ("timeout", check.timeout, TIMEOUT_S),
        ("retries", check.retries, RETRIES),
        ("startPeriod", check.start_period, START_PERIOD_S),
    ):
        if value is not None and value < least:
            raise _out_of_range(words, "greater", "minimum", least, name)
        if value is not None and value > most:
            raise _out_of_range(words, "less", "maximum", most, name)


def _out_of_range(words: str, way: str, end: str, limit: int, container: str) -> ApiError:
    return client_exception(
        f"Health check {words} must be {way} than or equal to the {end} allowed value {limit} for container"
        f" '{container}'"
    )


def _check_restarts(name: str, policy: ContainerRestartPolicy) -> None:
    period, (least, most) = policy.restart_attempt_period, ATTEMPT_PERIOD_S
    if period is not None and not least <= period <= most:
        raise client_exception(
            f"the 'restartAttemptPeriod' setting for container '{name}' must be between {least} and {most}"
        )
    if len(policy.ignored_exit_codes or ()) > MOST_EXIT_CODES:
        raise client_exception(
            f"the 'ignoredExitCodes' setting for container '{name}' can have at most {MOST_EXIT_CODES} items"
        )
