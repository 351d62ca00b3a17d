"""All that one host shall be, at one revision of the store: networks, tasks and load-balancing nodes."""

import msgspec

from seawall.program.balancer import BalancerProgram
from seawall.program.network import NetworkProgram
from seawall.program.task import TaskProgram


class HostProgram(msgspec.Struct, frozen=True, kw_only=True):
    """The whole desired state.  Applying it twice is applying it once; what it does not name is removed."""

    revision: int
    network: NetworkProgram
    tasks: tuple[TaskProgram, ...] = ()
    balancers: tuple[BalancerProgram, ...] = ()
