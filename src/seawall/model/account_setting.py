"""An ECS account setting that somebody changed."""

from seawall.model.resource import Resource, kind


@kind("account_setting")
class AccountSetting(Resource, frozen=True, kw_only=True):
    """`id` is NAME for the account's default, NAME:PRINCIPAL_ARN for one principal's own."""

    name: str
    value: str
    principal_arn: str | None = None
