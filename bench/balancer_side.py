"""An application load balancer to be measured, in front of a task that stands for many targets."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bench.density import command_of, processes
from bench.place import Place
from bench.seawall_side import SeawallSide
from seawall.app.demo.site import WAIT
from seawall.model.internet import CLIENT_NAMESPACE

FRONT_PORT = 80
HAND_PORT = 8081
DUTIES_PORT = 8082
SAME_PORT = 8083
FIRST_PORT = 20_000
STICKY = {"stickiness.enabled": "true", "stickiness.type": "lb_cookie"}
POLL_S = 0.1
SETTLED_S = 60.0


class BalancerSide:
    """`close` takes all of it away again; `place` is where the targets are.

    hand   a task's network as good as the balancer's: for an engine that somebody runs by hand
    """

    def __init__(self, seawall: SeawallSide) -> None:
        self.seawall = seawall
        self.elb = seawall.clients.elbv2
        self._tasks = seawall.run_tasks(2)
        seawall.await_running(*self._tasks)
        self.place, self.hand = (seawall.place(task) for task in self._tasks)
        self.client = self.inside(CLIENT_NAMESPACE, "")
        self._default_subnets = self._zones()
        self._admit()
        self._create()

    def _zones(self) -> list[str]:
        found = self.seawall.clients.ec2.describe_subnets(
            Filters=[{"Name": "default-for-az", "Values": ["true"]}]
        )
        return [subnet["SubnetId"] for subnet in found["Subnets"]][:2]

    def _admit(self) -> None:
        """One group for the balancer's nodes and, as it is the default one, for the task."""
        ec2 = self.seawall.clients.ec2
        groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
        self.group, self.vpc = groups["SecurityGroups"][0]["GroupId"], groups["SecurityGroups"][0]["VpcId"]
        self._ingress: Any = [
            {
                "IpProtocol": "tcp",
                "FromPort": FRONT_PORT,
                "ToPort": 30_000,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            }
        ]
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=self._ingress)

    def _create(self) -> None:
        made = self.elb.create_load_balancer(
            Name="bench", Subnets=self._default_subnets, SecurityGroups=[self.group]
        )
        self.balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
        made = self.elb.create_target_group(
            Name="bench", Protocol="HTTP", Port=FIRST_PORT, VpcId=self.vpc, TargetType="ip"
        )
        self.targets = made["TargetGroups"][0]["TargetGroupArn"]
        self.set(**{"deregistration_delay.timeout_seconds": "0"})
        self.elb.create_listener(
            LoadBalancerArn=self.balancer,
            Protocol="HTTP",
            Port=FRONT_PORT,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.targets}],
        )
        self.elb.get_waiter("load_balancer_available").wait(
            LoadBalancerArns=[self.balancer], WaiterConfig=WAIT
        )

    def set(self, **attributes: str) -> None:
        """Attributes of the target group."""
        wanted = [{"Key": key, "Value": value} for key, value in attributes.items()]
        self.elb.modify_target_group_attributes(TargetGroupArn=self.targets, Attributes=wanted)

    def named(self, ports: Iterable[int]) -> list[dict[str, Any]]:
        return [{"Id": self.place.address, "Port": port} for port in ports]

    def register(self, ports: Iterable[int]) -> None:
        self.elb.register_targets(TargetGroupArn=self.targets, Targets=self.named(ports))

    def deregister(self, ports: Iterable[int]) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.targets, Targets=self.named(ports))

    def await_healthy(self, count: int) -> None:
        deadline = time.monotonic() + SETTLED_S
        while (states := self._states()) != ["healthy"] * count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"targets are {states}")
            time.sleep(POLL_S)

    def _states(self) -> Sequence[str]:
        found = self.elb.describe_target_health(TargetGroupArn=self.targets)["TargetHealthDescriptions"]
        return [target["TargetHealth"]["State"] for target in found]

    def nodes(self) -> list[Place]:
        """Inside the namespaces of the balancer's nodes, with their private addresses."""
        return [self.inside(i["NetworkInterfaceId"], i["PrivateIpAddress"]) for i in self._interfaces()]

    def public(self) -> list[str]:
        """The nodes' public addresses, in the same order."""
        return [interface["Association"]["PublicIp"] for interface in self._interfaces()]

    def public_of(self, place: Place) -> str:
        """The public address of a task."""
        address: Any = [{"Name": "private-ip-address", "Values": [place.address]}]
        found = self.seawall.clients.ec2.describe_network_interfaces(Filters=address)
        return str(found["NetworkInterfaces"][0]["Association"]["PublicIp"])

    def engine_text(self) -> str:
        """What the engine of the first node has loaded."""
        pid = self.engines()[0]
        words = command_of(pid).split()
        return Path(f"/proc/{pid}/root{words[words.index('-f') + 1]}").read_text()

    def engines(self) -> list[str]:
        """The processes of the nodes' engines, node by node."""
        names = [interface["NetworkInterfaceId"] for interface in self._interfaces()]
        return [pid for name in names for pid in processes() if f"balancers/{name}/" in command_of(pid)]

    def _interfaces(self) -> list[Any]:
        name = self.balancer.partition("loadbalancer/")[2]
        found = self.seawall.clients.ec2.describe_network_interfaces(
            Filters=[{"Name": "description", "Values": [f"ELB {name}"]}]
        )
        return list(found["NetworkInterfaces"])

    def inside(self, namespace: str, address: str) -> Place:
        enter = self.seawall.instance.command("internet", "--namespace", namespace, "--")
        return Place(tuple(enter), address)

    def close(self) -> None:
        self.elb.delete_load_balancer(LoadBalancerArn=self.balancer)
        self.elb.get_waiter("load_balancers_deleted").wait(
            LoadBalancerArns=[self.balancer], WaiterConfig=WAIT
        )
        self.elb.delete_target_group(TargetGroupArn=self.targets)
        with suppress(ClientError):
            self.seawall.clients.ec2.revoke_security_group_ingress(
                GroupId=self.group, IpPermissions=self._ingress
            )
        self.seawall.stop(*self._tasks)
