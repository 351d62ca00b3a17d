"""May load balancers write their access logs to a bucket?  The bucket's policy says.

Sources: guides of application and of network load balancers, "Enable access logs".
"""

from collections.abc import Iterator

from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import LOAD_BALANCER, arn
from seawall.api.registry import Call
from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import Policy, PolicyError, named_policy
from seawall.iam.policy.evaluate import Policies, Question, decide
from seawall.model.bucket import Bucket
from seawall.model.load_balancer import LoadBalancer
from seawall.store.store import Reader

TEST_FILE = "ELBAccessLogTestFile"
_APPLICATION_SERVICE = "logdelivery.elasticloadbalancing.amazonaws.com"
_NETWORK_SERVICE = "delivery.logs.amazonaws.com"
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


def check_bucket(call: Call, reader: Reader, balancer: LoadBalancer, name: str, prefix: str) -> None:
    """Raises ApiError InvalidConfigurationRequest: no such bucket, or one that does not let itself be
    written to."""
    bucket = reader.find(Bucket, name)
    policies = _policies(bucket)
    folder = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
    resource = f"arn:{call.partition}:s3:::{name}/{folder}/{call.account}/{TEST_FILE}"
    context = {
        "aws:sourceaccount": (call.account,),
        "aws:sourcearn": (_source(call, balancer),),
        "aws:securetransport": ("true",),
        "s3:x-amz-acl": ("bucket-owner-full-control",),
    }
    for caller in _callers(call, balancer):
        question = Question(caller=caller, action="s3:PutObject", resource=resource, context=context)
        if decide(question, Policies(resource=policies, governed=True)).allowed:
            return
    raise refused(f"Access Denied for bucket: {name}. Please check S3bucket permission")


def _source(call: Call, balancer: LoadBalancer) -> str:
    """In whose name it writes: a network load balancer's logs are delivered by CloudWatch Logs."""
    if balancer.type == "application":
        return arn(call, LOAD_BALANCER, balancer.id)
    return call.arn("*", service="logs")


def _callers(call: Call, balancer: LoadBalancer) -> Iterator[Caller]:
    """Whom a policy may name; one of them is enough."""
    if balancer.type == "network":
        yield Caller(kind="service", account=call.account, service=_NETWORK_SERVICE)
        return
    yield Caller(kind="service", account=call.account, service=_APPLICATION_SERVICE)
    account = _ACCOUNTS.get(call.region)
    if account is not None:
        yield Caller(kind="root", account=account, arn=f"arn:{call.partition}:iam::{account}:root")


def _policies(bucket: Bucket | None) -> tuple[Policy, ...]:
    try:
        return (named_policy("bucket policy", bucket.policy),) if bucket and bucket.policy else ()
    except PolicyError:  # it was checked when it was put
        return ()
