"""How big a task is: what `cpu` and `memory` may say, and the pairs Fargate has.

Sources: "Task size" and "Fargate tasks CPU and memory" of the ECS developer guide.
"""

import re

from seawall.api.ecs.names import client_exception
from seawall.wire.errors import ApiError

CPU_UNITS_PER_VCPU = 1024
MIB_PER_GB = 1024
EC2_CPU_UNITS = range(128, 196_608 + 1)
# CPU units: MiB
FARGATE_SIZES = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16_384 + 1, 1024),
    4096: range(8192, 30_720 + 1, 1024),
    8192: range(16_384, 61_440 + 1, 4096),
    16_384: range(32_768, 122_880 + 1, 8192),
}
_CPU = re.compile(r"(?P<number>\d+|\d*\.\d+|\d+\.)\s*(?P<unit>vcpu)?", re.IGNORECASE)
_MEMORY = re.compile(r"(?P<number>\d+|\d*\.\d+|\d+\.)\s*(?P<unit>gb)?", re.IGNORECASE)


def read_cpu(text: str) -> int:
    """CPU units of "256", ".25 vCPU" or "1 vCPU".  Raises ApiError."""
    return _read(text, _CPU, CPU_UNITS_PER_VCPU, "cpu")


def read_memory(text: str) -> int:
    """MiB of "512", "0.5GB" or "2 GB".  Raises ApiError."""
    return _read(text, _MEMORY, MIB_PER_GB, "memory")


def check_fargate_size(cpu: int | None, memory: int | None) -> None:
    """Refuse a size that Fargate does not have.  Raises ApiError."""
    if cpu is None:
        raise client_exception("Fargate requires that 'cpu' be defined at the task level.")
    if memory is None:
        raise client_exception("Fargate requires that 'memory' be defined at the task level.")
    if memory not in FARGATE_SIZES.get(cpu, ()):
        raise client_exception(
            f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon"
            " ECS documentation for the valid values."
        )


def check_ec2_size(cpu: int | None) -> None:
    if cpu is not None and cpu not in EC2_CPU_UNITS:
        raise invalid_size("cpu")


def invalid_size(name: str) -> ApiError:
    return client_exception(
        f"Invalid '{name}' setting for task. For more information, see the Troubleshooting section of the"
        " Amazon ECS Developer Guide."
    )


def _read(text: str, pattern: re.Pattern[str], factor: int, name: str) -> int:
    found = pattern.fullmatch(text.strip())
    if found is None:
        raise invalid_size(name)
    value = float(found["number"]) * (factor if found["unit"] else 1)
    if value <= 0 or value != int(value):
        raise invalid_size(name)
    return int(value)
