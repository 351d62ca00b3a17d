"""Each way in which a task is cut off from the internet is named with the ids to look at."""

from tests.packet.world_data import Cloud

from seawall.compile.network.reach import missing_path_to_internet


def cloud() -> tuple[Cloud, str, str]:
    made = Cloud()
    vpc = made.vpc("a")
    subnet = made.subnet(vpc, "x", "10.0.0.0/24")
    group = made.group(vpc, "web")
    made.task("one", subnet, "10.0.0.20", group)
    return made, vpc, subnet


def why(made: Cloud) -> str | None:
    return missing_path_to_internet(made.snapshot(), made.resources["eni-one"])


def test_a_table_without_a_default_route() -> None:
    made, _, subnet = cloud()
    assert why(made) == (
        f"route table rtb-a-main of subnet {subnet} has no route for 0.0.0.0/0"
        " (to a NAT gateway or an internet gateway)"
    )


def test_an_internet_gateway_without_a_public_address() -> None:
    made, vpc, subnet = cloud()
    made.table(vpc, "out", subnets=(subnet,), internet_gateway="igw-a")
    text = why(made)
    assert text is not None
    assert "rtb-a-out" in text
    assert "igw-a, but the interface has no public address" in text
    made.task("one", subnet, "10.0.0.20", "sg-a-web", public="198.18.0.20")
    assert why(made) is None


def test_a_detached_internet_gateway() -> None:
    made, vpc, subnet = cloud()
    made.table(vpc, "out", subnets=(subnet,), internet_gateway="igw-a")
    made.change("igw-a", vpc_id=None)
    assert "igw-a, which is not attached to vpc-a" in str(why(made))


def test_groups_that_do_not_allow_https() -> None:
    made, vpc, subnet = cloud()
    made.table(vpc, "out", subnets=(subnet,), internet_gateway="igw-a")
    made.task("one", subnet, "10.0.0.20", "sg-a-web", public="198.18.0.20")
    made.drop("sgr-a-web-out0")
    assert "no egress rule of sg-a-web allows tcp 443" in str(why(made))
    made.rule("sg-a-web", "out1", "tcp:80-442 0.0.0.0/0", is_egress=True)
    assert "allows tcp 443" in str(why(made))
    made.rule("sg-a-web", "out2", "6:443 0.0.0.0/0", is_egress=True)
    assert why(made) is None


def test_the_nat_gateway_and_its_own_subnet() -> None:
    made, vpc, subnet = cloud()
    outside = made.subnet(vpc, "pub", "10.0.1.0/24")
    nat = made.nat("n", outside, "10.0.1.10", "198.18.0.10")
    made.table(vpc, "private", subnets=(subnet,), nat_gateway=nat)
    text = why(made)
    assert text is not None
    assert text.startswith("NAT gateway nat-n is in subnet subnet-a-pub, but route table rtb-a-main")
    made.table(vpc, "public", subnets=(outside,), internet_gateway="igw-a")
    assert why(made) is None
    made.change(nat, state="pending")
    assert str(why(made)).endswith("nat-n, whose state is pending")
    made.drop(nat)
    assert "nat-n, which does not exist in vpc-a" in str(why(made))
