"""May application load balancers write their access logs to a bucket?  The bucket's policy says.

Source: Application Load Balancers user guide, "Enable access logs".  What the test file says is seen of AWS.
"""

from collections.abc import Iterator
from typing import NamedTuple

from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import LOAD_BALANCER
from seawall.api.registry import Call
from seawall.api.s3.delivery import put_file
from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import Policy, PolicyError, named_policy
from seawall.iam.policy.evaluate import Policies, Question, decide
from seawall.model.bucket import Bucket
from seawall.model.load_balancer import LoadBalancer
from seawall.store.objects import Objects
from seawall.store.store import Reader

TEST_FILE = "ELBAccessLogTestFile"
_SERVICE = "logdelivery.elasticloadbalancing.amazonaws.com"
# the accounts of Elastic Load Balancing itself, which older policies name
_ACCOUNTS = {
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ca-central-1": "985666609251",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
}


class Owner(NamedTuple):
    """Whose load balancer it is, and where."""

    partition: str
    account: str
    region: str


def check_bucket(call: Call, reader: Reader, balancer: LoadBalancer, name: str, prefix: str) -> None:
    """Raises ApiError InvalidConfigurationRequest: no such bucket, or one that does not let itself be
    written to."""
    owner = Owner(call.partition, call.account, call.region)
    if not may_write(reader, owner, balancer.id, name, key_of_test_file(owner, prefix)):
        raise refused(f"Access Denied for bucket: {name}. Please check S3bucket permission")


def put_test_file(call: Call, balancer: LoadBalancer, bucket: str, prefix: str) -> None:
    """Show that logs can be written, as is done whenever they are switched on."""
    objects: Objects = call.resources["objects"]
    key = key_of_test_file(Owner(call.partition, call.account, call.region), prefix)
    moment = call.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    file = objects.new_file()
    file.write_text(f"Enable AccessLog for ELB: {balancer.name} at {moment}")
    put_file(objects, bucket, key, file, call.now, "text/plain")


def key_of_test_file(owner: Owner, prefix: str) -> str:
    folder = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
    return f"{folder}/{owner.account}/{TEST_FILE}"


def may_write(reader: Reader, owner: Owner, balancer_id: str, bucket: str, key: str) -> bool:
    """Whether the bucket is there and its policy lets Elastic Load Balancing put this object.

    balancer_id   the end of its ARN
    """
    policies = _policies(reader.find(Bucket, bucket))
    resource = f"arn:{owner.partition}:s3:::{bucket}/{key}"
    place = f"{owner.partition}:elasticloadbalancing:{owner.region}:{owner.account}"
    context = {
        "aws:sourceaccount": (owner.account,),
        "aws:sourcearn": (f"arn:{place}:{LOAD_BALANCER.path}/{balancer_id}",),
        "aws:securetransport": ("true",),
        "s3:x-amz-acl": ("bucket-owner-full-control",),
    }
    questions = (
        Question(caller=caller, action="s3:PutObject", resource=resource, context=context)
        for caller in _callers(owner)
    )
    return any(decide(asked, Policies(resource=policies, governed=True)).allowed for asked in questions)


def _callers(owner: Owner) -> Iterator[Caller]:
    """Whom a policy may name; one of them is enough."""
    yield Caller(kind="service", account=owner.account, service=_SERVICE)
    account = _ACCOUNTS.get(owner.region)
    if account is not None:
        yield Caller(kind="root", account=account, arn=f"arn:{owner.partition}:iam::{account}:root")


def _policies(bucket: Bucket | None) -> tuple[Policy, ...]:
    try:
        return (named_policy("bucket policy", bucket.policy),) if bucket and bucket.policy else ()
    except PolicyError:  # it was checked when it was put
        return ()
