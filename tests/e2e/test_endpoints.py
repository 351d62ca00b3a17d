"""A task that sees nothing of the internet, only the endpoints that AWS says it needs."""

import json
from collections.abc import Iterator

import pytest
from tests.e2e.endpoint_network import EndpointNetwork
from tests.e2e.harness import Seawall


@pytest.fixture(scope="module")
def network(seawall: Seawall, account: None) -> Iterator[EndpointNetwork]:
    made = EndpointNetwork(seawall)
    yield made
    made.remove()


def test_it_pulls_its_image_and_writes_its_logs(network: EndpointNetwork) -> None:
    said = network.look("echo I am here; timeout 2 wget -qO- http://203.0.113.10/; echo and $?")
    assert said.splitlines()[0] == "I am here"
    assert "and 143" in said.splitlines()  # the time was over; the internet is silent


def test_names_of_services_mean_the_endpoints_inside_and_the_services_outside(
    seawall: Seawall, network: EndpointNetwork
) -> None:
    region, account = seawall.running.region, seawall.running.account
    names = {
        "logs": f"logs.{region}.amazonaws.com",
        "ecr.api": f"api.ecr.{region}.amazonaws.com",
        "ecr.dkr": f"{account}.dkr.ecr.{region}.amazonaws.com",
    }
    said = network.look(f"for name in {' '.join(names.values())}; do nslookup $name; done")
    for service, name in names.items():
        assert f"Name:\t{name}\nAddress: {network.address(service)}" in said
    (found,) = network.ec2.describe_vpc_endpoints(VpcEndpointIds=[network.endpoints["logs"]])["VpcEndpoints"]
    own = found["DnsEntries"][0]["DnsName"]
    script = (
        f"import json, socket; print(json.dumps([socket.gethostbyname(n) for n in {[names['logs'], own]}]))"
    )
    done = seawall.internet("python3", "-c", script)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["198.19.0.10", network.address("logs")]


def test_without_the_rule_of_the_endpoints_group_it_does_not_start(
    seawall: Seawall, network: EndpointNetwork
) -> None:
    network.ec2.revoke_security_group_ingress(**network.rule)
    seawall.settle()
    try:
        task = network.run("echo never")
    finally:
        network.ec2.authorize_security_group_ingress(**network.rule)
        seawall.settle()
    assert task["stopCode"] == "TaskFailedToStart"
    assert "i/o timeout" in task["stoppedReason"]
    group = network.rule["GroupId"]
    assert (
        f"[Seawall: no ingress rule of {group}, of {network.endpoints['ecr.api']} " in task["stoppedReason"]
    )
    assert network.look("echo again") == "again"


def test_the_own_name_of_an_endpoint_is_served_and_s3_has_its_gateway(network: EndpointNetwork) -> None:
    (found,) = network.ec2.describe_vpc_endpoints(VpcEndpointIds=[network.endpoints["logs"]])["VpcEndpoints"]
    own = found["DnsEntries"][0]["DnsName"]
    hosts = (own, f"s3.{network.seawall.running.region}.amazonaws.com", "198.19.0.10")
    said = network.look("; ".join(f"nc -w 2 {host} 443 < /dev/null; echo $?" for host in hosts) + "; true")
    assert [line for line in said.splitlines() if line.isdigit()] == ["0", "0", "1"]


def test_a_task_is_told_what_the_vpcs_options_say_when_it_is_made(network: EndpointNetwork) -> None:
    ec2 = network.ec2
    before = ec2.describe_vpcs(VpcIds=[network.vpc])["Vpcs"][0]["DhcpOptionsId"]
    options = {"domain-name": ["corp.example"], "domain-name-servers": ["AmazonProvidedDNS"]}
    made = ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": key, "Values": values} for key, values in options.items()]
    )["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(VpcId=network.vpc, DhcpOptionsId=made)
    try:
        said = network.look("cat /etc/resolv.conf")
    finally:
        ec2.associate_dhcp_options(VpcId=network.vpc, DhcpOptionsId=before)
        ec2.delete_dhcp_options(DhcpOptionsId=made)
    assert said.splitlines() == ["nameserver 10.7.0.2", "search corp.example"]
