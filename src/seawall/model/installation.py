"""What one Seawall is: whose account, which region."""

from seawall.model.resource import Resource, kind


@kind("installation")
class Installation(Resource, frozen=True, kw_only=True):
    """There is one, with the id "installation".  `control_token` opens Seawall's own URLs."""

    account: str
    region: str
    control_token: str
