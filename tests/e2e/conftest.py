"""Fixtures: one running Seawall for all end-to-end tests that do not break it, and a maker of others."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.harness import Network, Seawall, prepare_account, seawall_in_its_own_folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def seawall() -> Iterator[Seawall]:
    with seawall_in_its_own_folder() as running:
        make_room(running)
        yield running


def make_room(seawall: Seawall) -> None:
    """For the networks of all tests together: VPCs, internet gateways, Elastic IPs."""
    quotas = seawall.client("service-quotas")
    for service, code in (("vpc", "L-F678F1CE"), ("vpc", "L-A4707A72"), ("ec2", "L-0263D0A3")):
        quotas.request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=100)


@pytest.fixture(scope="session")
def another_seawall() -> Callable[..., contextlib.AbstractContextManager[Seawall]]:
    """For tests that kill, restart or reset it, or need two."""
    return seawall_in_its_own_folder


@pytest.fixture(scope="session")
def network(seawall: Seawall) -> Network:
    return Network(seawall)


@pytest.fixture(scope="session")
def account(seawall: Seawall) -> None:
    prepare_account(seawall)
