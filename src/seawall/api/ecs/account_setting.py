"""Account settings.  Recorded and shown; dualStackIPv6 alone changes what Seawall runs.

Source: "Account settings" of the ECS developer guide: names, values and defaults.
"""

from typing import Any

from seawall.api.ecs.names import check_choice, page_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.account_setting import AccountSetting
from seawall.store.store import Reader

ON_OFF = ("enabled", "disabled")
# Values a setting takes; the first one is its default.
# In the order in which ECS names them to who gives another.
SETTINGS: dict[str, tuple[str, ...]] = {
    "serviceLongArnFormat": ON_OFF,
    "taskLongArnFormat": ON_OFF,
    "containerInstanceLongArnFormat": ON_OFF,
    "containerLongArnFormat": ON_OFF,  # missing from the model's enum, as dualStackIPv6, and taken as well
    "awsvpcTrunking": ("disabled", "enabled"),
    "containerInsights": ("disabled", "enabled", "enhanced"),
    "dualStackIPv6": ON_OFF,
    "fargateFIPSMode": ("disabled", "enabled"),
    "tagResourceAuthorization": ("on", "off"),
    "fargateTaskRetirementWaitPeriod": ("7", "0", "14"),
    "guardDutyActivate": ("off", "on"),
    "defaultLogDriverMode": ("non-blocking", "blocking"),
    "fargateEventWindows": ("disabled", "enabled"),
}
STORED = {
    "name": "no setting but dualStackIPv6 changes what Seawall does; tags given when something is made always"
    " need ecs:TagResource",
    "value": "as for name",
}


@operation("ecs", "PutAccountSetting", stored=STORED)
def put_account_setting(call: Call, params: Params) -> dict[str, Any]:
    return _put(call, params, params.get("principalArn") or call.principal.arn)


@operation("ecs", "PutAccountSettingDefault", stored=STORED)
def put_account_setting_default(call: Call, params: Params) -> dict[str, Any]:
    return _put(call, params, None)


@operation("ecs", "DeleteAccountSetting")
def delete_account_setting(call: Call, params: Params) -> dict[str, Any]:
    name, principal = params["name"], params.get("principalArn") or call.principal.arn
    check_choice(name, tuple(SETTINGS), name)
    with call.write() as txn:
        setting = txn.find(AccountSetting, _key(name, principal))
        if setting is not None:
            txn.delete(AccountSetting, setting.id)
    return {
        "setting": {
            "name": name,
            "value": effective_setting(call.store, name, principal),
            "principalArn": principal,
        }
    }


@operation("ecs", "ListAccountSettings")
def list_account_settings(call: Call, params: Params) -> dict[str, Any]:
    principal = params.get("principalArn") or call.principal.arn
    name, value = params.get("name"), params.get("value")
    check_choice(name, tuple(SETTINGS), str(name))
    effective = params.get("effectiveSettings", False)
    limit, token = params.get("maxResults"), params.get("nextToken")
    found = []
    for known in sorted(SETTINGS):
        own = call.store.find(AccountSetting, _key(known, principal))
        current = own.value if own else None
        if effective:
            current = effective_setting(call.store, known, principal)
        if current is not None and name in (None, known) and value in (None, current):
            found.append(_show(known, current, principal))
    page, rest = page_of(found, limit or None, token, lambda setting: setting["name"])
    return {"settings": page, **rest}


def _put(call: Call, params: Params, principal: str | None) -> dict[str, Any]:
    name, value = params["name"], params["value"]
    check_choice(name, tuple(SETTINGS), name)
    check_choice(value, SETTINGS[name], name)
    with call.write() as txn:
        txn.put(AccountSetting(id=_key(name, principal), name=name, value=value, principal_arn=principal))
    root = f"arn:{call.partition}:iam::{call.account}:root"
    return {"setting": _show(name, value, principal or root)}


def _show(name: str, value: str, principal: str) -> dict[str, str]:
    return {"name": name, "value": value, "principalArn": principal, "type": "user"}


def _key(name: str, principal: str | None) -> str:
    return f"{name}:{principal}" if principal else name


def effective_setting(reader: Reader, name: str, principal: str | None) -> str:
    """The principal's own value, else the account's, else ECS's default."""
    for key in (_key(name, principal), name):
        setting = reader.find(AccountSetting, key)
        if setting is not None:
            return setting.value
    return SETTINGS[name][0]
