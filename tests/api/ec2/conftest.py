"""Short cuts for tests of the EC2 API."""

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.ec2.transit import attach, become

from seawall.model.transit_gateway import TransitGateway, TransitGatewayAttachment
from seawall.store.store import Store


@pytest.fixture
def ec2(aws: Callable[..., Any]) -> Any:
    return aws("ec2")


@pytest.fixture
def refused() -> Callable[[str, str], AbstractContextManager[None]]:
    """`with refused(code, text):` the call inside is answered with exactly that."""

    @contextmanager
    def expect(code: str, message: str) -> Any:
        with pytest.raises(ClientError) as caught:
            yield
        error = caught.value.response["Error"]
        assert (error["Code"], error["Message"]) == (code, message)

    return expect


@pytest.fixture
def vpc_id(ec2: Any) -> str:
    """A VPC 10.0.0.0/16."""
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def subnet_id(ec2: Any, vpc_id: str) -> str:
    """Its subnet 10.0.1.0/24 in zone a."""
    made = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a")
    return str(made["Subnet"]["SubnetId"])


@pytest.fixture
def tgw(ec2: Any, store: Store) -> str:
    """An available gateway with all defaults."""
    id = str(ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"])
    become(store, TransitGateway, id, "available")
    return id


@pytest.fixture
def attachment(ec2: Any, store: Store, tgw: str, vpc_id: str, subnet_id: str) -> str:
    """The VPC 10.0.0.0/16 at it, available."""
    id = attach(ec2, tgw, vpc_id, subnet_id)
    become(store, TransitGatewayAttachment, id, "available")
    return id
