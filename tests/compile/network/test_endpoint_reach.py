"""A task that does not get to an endpoint is told which group keeps it away."""

from tests.packet.test_interface_endpoint import interface_endpoint
from tests.packet.world_data import Cloud

from seawall.compile.network.endpoint_reach import endpoint_interface, missing_path_to_endpoint


def cloud(*ingress: str, egress: str = "-1 0.0.0.0/0") -> Cloud:
    made = Cloud()
    vpc = made.vpc("a")
    subnet = made.subnet(vpc, "x", "10.0.0.0/24")
    made.group(vpc, "app", egress=(egress,))
    made.group(vpc, "ep", *ingress)
    made.task("one", subnet, "10.0.0.20", "sg-a-app")
    interface_endpoint(made, "logs", vpc, "logs", "sg-a-ep", (subnet, "10.0.0.50"))
    return made


def why(made: Cloud) -> str | None:
    snapshot, own = made.snapshot(), made.resources["eni-one"]
    endpoint = endpoint_interface(snapshot, own, "10.0.0.50")
    assert endpoint is not None
    return missing_path_to_endpoint(snapshot, own, endpoint, 443)


def test_what_is_no_endpoints_address() -> None:
    made = cloud()
    snapshot = made.snapshot()
    for address in ("10.0.0.20", "10.0.0.51", "198.19.0.10"):
        assert endpoint_interface(snapshot, made.resources["eni-one"], address) is None


def test_the_endpoints_group_lets_nobody_in() -> None:
    text = "no ingress rule of sg-a-ep, of vpce-logs (10.0.0.50), allows tcp 443 from 10.0.0.20"
    for rule in ("tcp:80 sg-a-app", "tcp:443 sg-a-ep", "udp:443 sg-a-app", "tcp:443 10.0.0.21/32"):
        assert why(cloud(rule)) == text


def test_the_tasks_group_lets_nothing_out() -> None:
    made = cloud("tcp:443 sg-a-app", egress="tcp:443 10.9.0.0/16")
    assert why(made) == "no egress rule of sg-a-app allows tcp 443 to vpce-logs (10.0.0.50)"


def test_groups_that_let_it_pass() -> None:
    lists = cloud("tcp:443 pl-ours", egress="tcp:1-1024 sg-a-ep")
    lists.prefix_list("ours", "10.0.0.0/27")
    for made in (cloud("tcp:443 sg-a-app"), cloud("-1 10.0.0.0/24"), lists):
        assert why(made) is None
