"""Which security group a request means, and which names groups may have."""

import re

from seawall.api.ec2.lookup import look_up
from seawall.api.params import Params
from seawall.model.resource import Ref
from seawall.model.security_group import SecurityGroup
from seawall.model.vpc import Vpc
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_CHARACTERS = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*")


def group_of(reader: Reader, params: Params) -> SecurityGroup:
    """The group of GroupId, or of GroupName in the default VPC.

    Raises ApiError MissingParameter, InvalidGroupId.Malformed, InvalidGroup.NotFound.
    """
    if params.get("GroupId"):
        return look_up(reader, SecurityGroup, params["GroupId"])
    name = params.get("GroupName")
    if not name:
        raise ApiError("MissingParameter", "The request must contain the parameter groupName or groupId")
    return group_named(reader, name)


def group_named(reader: Reader, name: str) -> SecurityGroup:
    """The group of that name in the default VPC."""
    vpc = default_vpc(reader)
    for group in reader.referrers(SecurityGroup, Ref("vpc", vpc.id)):
        if group.name == name:
            return group
    raise ApiError(
        "InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC '{vpc.id}'"
    )


def default_vpc(reader: Reader) -> Vpc:
    """The account's default VPC.  Raises ApiError VPCIdNotSpecified when there is none."""
    for vpc in reader.all(Vpc):
        if vpc.is_default:
            return vpc
    raise ApiError("VPCIdNotSpecified", "No default VPC for this user")


def check_group_name(name: str) -> None:
    """Refuse a name that a new group cannot have."""
    if name.startswith("sg-"):
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        )
    if name == "default":
        raise ApiError("InvalidGroup.Reserved", "The security group 'default' is reserved")
    _check_text(name, "GroupName")


def check_group_description(description: str) -> None:
    _check_text(description, "GroupDescription")


def _check_text(text: str, parameter: str) -> None:
    if not text.isascii():
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {parameter} is invalid."
            " Character sets beyond ASCII are not supported.",
        )
    if len(text) > 255 or not _CHARACTERS.fullmatch(text):
        raise ApiError("InvalidParameterValue", f"Value ({text}) for parameter {parameter} is invalid.")
