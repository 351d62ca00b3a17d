"""May an AWS service take on a role?  The role's trust policy says."""

from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import PolicyError, named_policy
from seawall.iam.policy.evaluate import Policies, Question, decide
from seawall.model.role import Role

TASKS_SERVICE = "ecs-tasks.amazonaws.com"  # who takes on the roles of tasks
# who have roles of their own for what they do in an account
ECS_SERVICE = "ecs.amazonaws.com"
SCALING_SERVICE = "ecs.application-autoscaling.amazonaws.com"


def trusts(role: Role, service: str, *, account: str, source_arn: str) -> bool:
    """Whether `service` ("ecs-tasks.amazonaws.com") may assume the role.

    A text that is no policy trusts nobody.

    source_arn   for whom it does: aws:SourceArn
    """
    try:
        trust = (named_policy("trust policy", role.assume_role_policy_document),)
    except PolicyError:
        return False
    caller = Caller(kind="service", account=account, service=service)
    context = {
        "aws:sourceaccount": (account,),
        "aws:sourcearn": (source_arn,),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (service,),
        "aws:principaltype": ("Service",),
    }
    question = Question(
        caller=caller,
        action="sts:AssumeRole",
        resource=f"arn:aws:iam::{account}:{role.resource}",
        context=context,
    )
    return decide(question, Policies(resource=trust, governed=True)).allowed
