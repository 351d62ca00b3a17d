"""Where packets get to, by the model alone."""

import pytest
from tests.packet.world_data import Cloud

from seawall.compile.walk import Packet, RoundTrip, round_trip

CLIENT = "203.0.113.10"


@pytest.fixture
def cloud() -> Cloud:
    """web (10.0.0.20, public), app (10.0.1.20, behind nat-n), db (10.0.1.30; only app may reach it)."""
    cloud = Cloud()
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.group(a, "web", "tcp:80 0.0.0.0/0")
    cloud.group(a, "app", "tcp:8000-8010 sg-a-web")
    cloud.group(a, "db", "tcp:5432 sg-a-app")
    nat = cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(a, "priv", subnets=(private,), nat_gateway=nat)
    cloud.task("web", public, "10.0.0.20", "sg-a-web", public="198.18.0.20")
    cloud.task("app", private, "10.0.1.20", "sg-a-app")
    cloud.task("db", private, "10.0.1.30", "sg-a-db")
    return cloud


def ask(cloud: Cloud, start: str | None, destination: str, port: int, source: str = CLIENT) -> RoundTrip:
    if start is not None:
        source = cloud.resources[start].private_ip_address
    packet = Packet(
        protocol="tcp", source=source, destination=destination, source_port=50_000, destination_port=port
    )
    return round_trip(cloud.snapshot(), packet, start=start)


@pytest.mark.parametrize(
    ("start", "destination", "port", "connects"),
    [
        ("eni-web", "10.0.1.20", 8000, True),
        ("eni-web", "10.0.1.20", 8011, False),
        ("eni-app", "10.0.1.30", 5432, True),
        ("eni-web", "10.0.1.30", 5432, False),
        ("eni-app", CLIENT, 443, True),
        ("eni-web", CLIENT, 443, True),
        (None, "198.18.0.20", 80, True),
        (None, "198.18.0.20", 81, False),
        (None, "198.18.0.10", 80, False),
        ("eni-app", "198.18.0.20", 80, True),
        ("eni-app", "10.0.9.9", 80, False),
    ],
)
def test_who_reaches_whom(
    cloud: Cloud, start: str | None, destination: str, port: int, connects: bool
) -> None:
    assert ask(cloud, start, destination, port).connects == connects


def test_a_nat_gateway_shows_its_public_address(cloud: Cloud) -> None:
    found = ask(cloud, "eni-app", CLIENT, 443)
    assert found.forward.packet.source == "198.18.0.10"
    assert found.forward.delivered_to == "internet"
    assert [hop.id for hop in found.forward.hops if hop.verdict == "translate"] == ["nat-n", "igw-a"]


@pytest.mark.parametrize(
    ("break_it", "start", "destination", "code"),
    [
        (lambda c: c.drop("sgr-a-web-in0"), None, "198.18.0.20", "ENI_SG_RULES_MISMATCH"),
        (lambda c: c.drop("igw-a"), "eni-app", CLIENT, "BAD_STATE_ROUTE"),
        (lambda c: c.drop("nat-n"), "eni-app", CLIENT, "BAD_STATE_ROUTE"),
        (
            lambda c: c.change("eni-web", association=None),
            "eni-web",
            CLIENT,
            "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
        ),
        (lambda c: c.drop("rtb-a-priv"), "eni-app", CLIENT, "NO_ROUTE_TO_DESTINATION"),
    ],
)
def test_the_cause_has_awss_name(
    cloud: Cloud, break_it: object, start: str | None, destination: str, code: str
) -> None:
    break_it(cloud)  # type: ignore[operator]
    found = ask(cloud, start, destination, 80)
    assert not found.connects
    assert [explanation.code for explanation in found.forward.explanations] == [code]
