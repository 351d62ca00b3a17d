"""A user without policies gets nothing out of any operation but a denial in the service's words."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from tests.api.conftest import Clients, send_to
from tests.api.s3.conftest import Settings, send_through

from seawall.api import registry
from seawall.app.gateway import Gateway
from seawall.app.s3_front import S3Front
from seawall.iam.access import accesses
from seawall.model.access_key import AccessKey
from seawall.model.user import User
from seawall.store.objects import Objects
from seawall.store.store import Store
from seawall.wire.service import load_service

KEY, SECRET = "AKIA" + "NONE" * 4, "nothing"
FREE = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}  # on AWS, too, they need no permission
ROLE = "arn:aws:iam::123456789012:role/worker"
LIKELY = {  # members whose form is looked at before anybody's permissions are
    "RoleArn": ROLE,
    "PolicyArn": "arn:aws:iam::123456789012:policy/p",
    "PolicySourceArn": "arn:aws:iam::123456789012:user/none",
    "resourceArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default",
    "CopySource": "my-bucket/k",
    "Bucket": "my-bucket",
    "layerDigest": f"sha256:{'0' * 64}",
    "VersionId": "v1",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0",
    "Passphrase": b"secret",
    "ServiceCode": "vpc",
    "QuotaCode": "L-1",
    "RequestId": "r1",
    "VPC": {"VPCRegion": "us-east-1", "VPCId": "vpc-0123456789abcdef0"},
}
CODES = {
    **dict.fromkeys(("iam", "sts", "route53", "s3", "cloudwatch", "elbv2"), "AccessDenied"),
    "ec2": "UnauthorizedOperation",
}
SERVED = sorted(registry.load_operations())
SCALARS: dict[str, Any] = {
    "boolean": False,
    "blob": b"x",
    "float": 1.0,
    "double": 1.0,
    "timestamp": datetime(2026, 1, 1, tzinfo=timezone.utc),
}


def least(shape: Shape, name: str = "") -> Any:
    """The smallest value that the model takes."""
    if name in LIKELY:
        return LIKELY[name]
    low = max(int(shape.metadata.get("min", 0)), 1)
    if isinstance(shape, StructureShape):
        return {member: least(shape.members[member], member) for member in shape.required_members}
    if isinstance(shape, ListShape):
        return [_something(shape.member)] * low
    if isinstance(shape, MapShape):
        return {least(shape.key): least(shape.value)}
    if shape.type_name in ("integer", "long"):
        return low
    if shape.name == "NamespaceNamePublic":
        return "a.example"
    if "scalable-target" in shape.metadata.get("pattern", ""):
        return "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/a"
    if shape.type_name == "string":
        return shape.metadata["enum"][0] if shape.metadata.get("enum") else "a" * low
    return SCALARS[shape.type_name]


def _something(shape: Shape) -> Any:
    """Not an empty structure, which the query protocols cannot write."""
    if isinstance(shape, StructureShape) and not shape.required_members:
        name, member = next(iter(shape.members.items()))
        return {name: least(member, name)}
    return least(shape)


@pytest.fixture
def nobody(
    store: Store,
    tmp_path: Any,
    resources: dict[str, Any],
    event_loop_runner: asyncio.AbstractEventLoop,
    aws: Callable[..., Any],
    all_clients: Clients,
) -> Any:
    """nobody(service): a client of a user without any policy.  Objects are in a store of their own."""
    now = datetime.now(timezone.utc)
    with store.write() as txn:
        txn.put(User(id="none", user_id="AIDANONE", create_date=now))
        txn.put(AccessKey(id=KEY, secret=SECRET, user="none", create_date=now))
    objects = Objects(tmp_path / "s3")
    front = S3Front(store, objects, Settings("enforce"))
    gateway = Gateway(store, Settings("enforce"), resources=resources)

    def send(request: Any) -> Any:
        if "/s3/aws4_request" in str(request.headers["Authorization"]):
            return send_through(front, event_loop_runner, request)
        return send_to(gateway, event_loop_runner, request)

    all_clients.send = send
    yield lambda service: aws(service, access_key=KEY, secret_key=SECRET)
    objects.close()


@pytest.mark.parametrize("service", sorted({service for service, _ in SERVED}))
def test_every_operation_is_denied(service: str, nobody: Any, store: Store) -> None:
    known, before = load_service(service), store.revision()
    assert known is not None
    wrong = {}
    for name in (name for owner, name in SERVED if owner == service and (owner, name) not in FREE):
        shape = known.operation(name).input_shape
        params = least(shape) if shape is not None else {}
        try:
            wrong[name] = str(getattr(nobody(service), xform_name(name))(**params))
        except ClientError as error:
            said = error.response["Error"]
            if said["Code"] == "403" and name.startswith("Head"):  # an answer without a body
                continue
            if said["Code"] != CODES.get(service, "AccessDeniedException"):
                wrong[name] = f"{said['Code']}: {said['Message']}"
            elif "is not authorized to perform: " not in said["Message"]:
                wrong[name] = said["Message"]
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
    assert store.revision() == before


def test_what_is_free_is_free_on_aws() -> None:
    assert {key for key in SERVED if any(asked.free for asked in accesses(*key))} == FREE
