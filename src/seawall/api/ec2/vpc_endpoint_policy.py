"""Policies of VPC endpoints: the one everybody starts with, and what is none."""

import json

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
    """`document` if it is a policy.  Raises ApiError InvalidPolicyDocument."""
    try:
        policy = json.loads(document)
    except ValueError:
        policy = None
    if not isinstance(policy, dict) or "Statement" not in policy or len(document) > LONGEST_POLICY:
        raise ApiError(
            "InvalidPolicyDocument", "The specified policy document is not a valid JSON policy document."
        )
    return document
