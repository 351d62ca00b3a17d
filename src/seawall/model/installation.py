"""What one Seawall is: whose account, which region."""

from seawall.model.resource import Resource, kind


@kind("installation")
class Installation(Resource, frozen=True, kw_only=True):
    """There is one, with the id "installation".  `control_token` opens Seawall's own URLs;
    `administrator_key_id` is the access key that the command line uses.
    """

    account: str
    region: str
    control_token: str
    administrator_key_id: str
