"""Log configurations: what the awslogs driver takes, and what Fargate asks for besides.

Source: "Using the awslogs log driver" of the ECS developer guide.
"""

from seawall.api.ecs.names import client_exception
from seawall.model.byte_size import size_in_bytes
from seawall.model.task_definition import ContainerDefinition
from seawall.wire.errors import NotImplementedHere

FARGATE_DRIVERS = ("awslogs", "splunk", "awsfirelens")
REQUIRED = ("awslogs-group", "awslogs-region")
ALLOWED = frozenset(
    {
        *REQUIRED,
        "awslogs-stream-prefix",
        "awslogs-create-group",
        "awslogs-datetime-format",
        "awslogs-multiline-pattern",
        "mode",
        "max-buffer-size",
    }
)


def check_log_options(container: ContainerDefinition) -> None:
    """The awslogs driver's options.  Raises ApiError ClientException."""
    configuration = container.log_configuration
    if configuration is None or configuration.log_driver != "awslogs":
        return
    options = configuration.options or {}
    missing = [name for name in REQUIRED if not options.get(name)]
    if missing:
        raise client_exception(f"Log driver awslogs requires options: {', '.join(missing)}")
    unknown = sorted(set(options) - ALLOWED)
    if unknown:
        raise client_exception(f"Log driver awslogs disallows options: {', '.join(unknown)}")
    if options.get("awslogs-create-group", "true") != "true":
        raise client_exception(
            "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option."
        )
    if options.get("mode", "blocking") not in ("blocking", "non-blocking"):
        raise client_exception("Log driver awslogs option 'mode' should be one of [blocking, non-blocking].")
    if "awslogs-datetime-format" in options and "awslogs-multiline-pattern" in options:
        raise client_exception(
            "Log driver awslogs does not take awslogs-datetime-format and awslogs-multiline-pattern together."
        )
    _check_buffer(options.get("max-buffer-size"))


def check_fargate_logs(container: ContainerDefinition, execution_role_arn: str | None) -> None:
    """What Fargate wants of a log configuration.  Raises ApiError."""
    configuration = container.log_configuration
    if configuration is None:
        return
    driver = configuration.log_driver
    if driver not in FARGATE_DRIVERS:
        raise client_exception(
            f"{driver} is not a valid log driver. Must be one of [{', '.join(FARGATE_DRIVERS)}]"
        )
    if driver != "awslogs":
        raise NotImplementedHere(
            f"RegisterTaskDefinition: Seawall does not serve the log driver {driver}"
            " (logConfiguration.logDriver): what is logged would be lost. Use awslogs. Nothing was changed."
        )
    if configuration.secret_options:
        raise NotImplementedHere(
            "RegisterTaskDefinition: the log driver awslogs has no option that could be a secret"
            " (logConfiguration.secretOptions)."
        )
    if execution_role_arn is None:
        raise client_exception(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs."
        )
    check_log_options(container)  # what every awslogs needs is missed first
    if not (configuration.options or {}).get("awslogs-stream-prefix"):
        raise client_exception(
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log"
            " driver awslogs."
        )


def _check_buffer(size: str | None) -> None:
    if size is None:
        return
    try:
        size_in_bytes(size)
    except ValueError:
        raise client_exception(f"Log driver awslogs option 'max-buffer-size' is not a size: {size}") from None
