"""Load balancers: made with nodes of their own in subnets, shown, changed, deleted."""

import re
from collections.abc import Callable
from typing import Any

from seawall.model.load_balancer import LoadBalancer
from seawall.store.store import Store

Call = Callable[..., Any]


def test_an_application_load_balancer_is_born_provisioning(elb: Any, net: Any) -> None:
    made = elb.create_load_balancer(Name="web", Subnets=list(net.subnets[:2]))["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    assert re.fullmatch(
        r"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/[0-9a-f]{16}", arn
    )
    assert re.fullmatch(r"web-\d{10}\.us-east-1\.elb\.amazonaws\.com", made["DNSName"])
    assert made["CanonicalHostedZoneId"] == "Z35SXDOTRQ7X7K"
    assert made["State"] == {"Code": "provisioning"}
    assert (made["Scheme"], made["Type"], made["IpAddressType"]) == ("internet-facing", "application", "ipv4")
    assert made["VpcId"] == net.vpc
    assert made["SecurityGroups"] == [net.default_group]
    assert made["AvailabilityZones"] == [
        {"ZoneName": "us-east-1a", "SubnetId": net.subnets[0], "LoadBalancerAddresses": []},
        {"ZoneName": "us-east-1b", "SubnetId": net.subnets[1], "LoadBalancerAddresses": []},
    ]
    assert elb.describe_load_balancers(Names=["web"])["LoadBalancers"] == [made]
    assert elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"] == [made]


def test_its_nodes_are_interfaces_that_nobody_else_may_touch(
    ec2: Any, net: Any, make_alb: Call, refused: Call
) -> None:
    arn = make_alb(SecurityGroups=[net.group])
    found = ec2.describe_network_interfaces(
        Filters=[{"Name": "description", "Values": [f"ELB {arn.partition('loadbalancer/')[2]}"]}]
    )["NetworkInterfaces"]
    assert {one["SubnetId"] for one in found} == set(net.subnets[:2])
    for one in found:
        assert one["RequesterId"] == "amazon-elb"
        assert one["RequesterManaged"] is True
        assert one["InterfaceType"] == "interface"
        assert [group["GroupId"] for group in one["Groups"]] == [net.group]
        assert one["Association"]["IpOwnerId"] == "amazon"
    code, _, _ = refused(
        ec2.modify_network_interface_attribute,
        NetworkInterfaceId=found[0]["NetworkInterfaceId"],
        Groups=[net.default_group],
    )
    assert code == "AuthFailure"


def test_an_internal_network_load_balancer_has_private_addresses_only(
    ec2: Any, elb: Any, net: Any, make_nlb: Call
) -> None:
    mapping = {"SubnetId": net.subnets[0], "PrivateIPv4Address": "10.0.0.77"}
    arn = make_nlb(Scheme="internal", SubnetMappings=[mapping])
    made = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert re.fullmatch(r"flow-[0-9a-f]{16}\.elb\.us-east-1\.amazonaws\.com", made["DNSName"])
    assert made["DNSName"].split(".")[0].removeprefix("flow-") == arn.rpartition("/")[2]
    assert made["CanonicalHostedZoneId"] == "Z26RNL4JYFTOTI"
    assert "SecurityGroups" not in made
    [zone] = made["AvailabilityZones"]
    assert zone["LoadBalancerAddresses"] == [{"PrivateIPv4Address": "10.0.0.77"}]
    filters = [{"Name": "interface-type", "Values": ["network_load_balancer"]}]
    [interface] = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert interface["PrivateIpAddress"] == "10.0.0.77"
    assert interface["Description"] == f"ELB net/flow/{arn.rpartition('/')[2]}"
    assert "Association" not in interface


def test_a_network_load_balancer_takes_elastic_ips(ec2: Any, elb: Any, net: Any, make_nlb: Call) -> None:
    address = ec2.allocate_address(Domain="vpc")
    mapping = {"SubnetId": net.subnets[0], "AllocationId": address["AllocationId"]}
    arn = make_nlb(SubnetMappings=[mapping])
    [made] = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    assert made["AvailabilityZones"][0]["LoadBalancerAddresses"] == [
        {"IpAddress": address["PublicIp"], "AllocationId": address["AllocationId"]}
    ]
    [held] = ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"]
    assert held["NetworkInterfaceId"]


def test_making_it_again_gives_the_same_one_unless_it_is_asked_otherwise(
    elb: Any, net: Any, make_alb: Call, refused: Call
) -> None:
    first = make_alb(Tags=[{"Key": "a", "Value": "1"}])
    assert make_alb(Tags=[{"Key": "a", "Value": "1"}]) == first
    assert refused(
        elb.create_load_balancer, Name="web", Subnets=list(net.subnets[:2]), Scheme="internal"
    ) == (
        "DuplicateLoadBalancerName",
        "A load balancer with the same name 'web' exists, but with different settings",
        400,
    )


def test_a_deleted_one_is_gone_for_every_operation_and_its_name_is_free(
    elb: Any, make_alb: Call, refused: Call, store: Store
) -> None:
    arn = make_alb()
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert [one.deleting for one in store.all(LoadBalancer)] == [True]
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert refused(elb.describe_load_balancers, LoadBalancerArns=[arn]) == (
        "LoadBalancerNotFound",
        "One or more load balancers not found",
        400,
    )
    assert refused(elb.describe_load_balancers, Names=["web"])[0] == "LoadBalancerNotFound"
    assert refused(elb.describe_listeners, LoadBalancerArn=arn)[0] == "LoadBalancerNotFound"
    assert make_alb() != arn


def test_subnets_must_do(elb: Any, ec2: Any, net: Any, refused: Call) -> None:
    def ask(**params: Any) -> tuple[str, str]:
        code, text, status = refused(elb.create_load_balancer, Name="web", **params)
        assert status == 400
        return code, text

    assert ask(Subnets=[net.subnets[0]]) == (
        "ValidationError",
        "At least two subnets in two different Availability Zones must be specified",
    )
    twin = ec2.create_subnet(VpcId=net.vpc, CidrBlock="10.0.8.0/24", AvailabilityZone="us-east-1a")
    twin_id = twin["Subnet"]["SubnetId"]
    assert ask(Subnets=[net.subnets[0], twin_id]) == (
        "InvalidConfigurationRequest",
        "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
    )
    missing = "subnet-0123456789abcdef0"
    assert ask(Subnets=[net.subnets[0], missing]) == (
        "SubnetNotFound",
        f"The subnet ID '{missing}' does not exist",
    )
    small = ec2.create_subnet(VpcId=net.vpc, CidrBlock="10.0.9.0/28", AvailabilityZone="us-east-1b")
    small_id = small["Subnet"]["SubnetId"]
    for _ in range(4):
        ec2.create_network_interface(SubnetId=small_id)
    assert ask(Subnets=[net.subnets[0], small_id]) == (
        "InvalidSubnet",
        f"Not enough IP space available in {small_id}. ELB requires at least 8 free IP addresses in each"
        " subnet.",
    )
    ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)
    assert ask(Subnets=list(net.subnets)) == (
        "InvalidSubnet",
        f"VPC {net.vpc} has no internet gateway",
    )


def test_security_groups_and_subnets_in_use_cannot_be_deleted(
    ec2: Any, net: Any, make_alb: Call, refused: Call
) -> None:
    make_alb(SecurityGroups=[net.group])
    assert refused(ec2.delete_security_group, GroupId=net.group)[0] == "DependencyViolation"
    assert refused(ec2.delete_subnet, SubnetId=net.subnets[0])[0] == "DependencyViolation"
