"""Policies of VPC endpoints: the one everybody starts with, and what is none."""

import json

from seawall.api.iam.document import check_resource_policy
from seawall.wire.errors import ApiError

LONGEST_POLICY = 20480

# Written as AWS writes them, to the blank: clients compare them as text.
_GATEWAY = (
    '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
)
_INTERFACE = (
    '{\n  "Statement": [\n    {\n      "Action": "*", \n      "Effect": "Allow", \n'
    '      "Principal": "*", \n      "Resource": "*"\n    }\n  ]\n}'
)


def default_policy(endpoint_type: str) -> str:
    """Full access, in the words of the endpoint's type."""
    return _GATEWAY if endpoint_type == "Gateway" else _INTERFACE


def checked_policy(document: str) -> str:
    """`document` if it is a policy that names principals.  Raises ApiError InvalidPolicyDocument."""
    try:
        json.loads(document)
    except ValueError:
        raise _invalid("The specified policy document is not a valid JSON policy document.") from None
    if len(document) > LONGEST_POLICY:
        raise _invalid(f"The policy document exceeds the maximum length of {LONGEST_POLICY} characters.")
    try:
        check_resource_policy(document)
    except ApiError as error:
        raise _invalid(error.message) from None
    return document


def _invalid(text: str) -> ApiError:
    return ApiError("InvalidPolicyDocument", text)
