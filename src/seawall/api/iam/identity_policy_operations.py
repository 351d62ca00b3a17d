"""The policy operations of roles, users and groups: the same seven for each kind of identity."""

from collections.abc import Callable
from typing import Any, Generic

from seawall.api.iam.identity_policy import (
    GROUP,
    ROLE,
    USER,
    Identity,
    Limits,
    attached_below,
    describe_attached,
    inline_document,
    with_attached,
    with_inline,
    without_attached,
    without_inline,
)
from seawall.api.iam.names import encoded, find_group, find_role, find_user, page_of
from seawall.api.iam.role import changeable_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.store.store import Reader, Transaction

Answer = dict[str, Any]


class PolicyOperations(Generic[Identity]):
    """noun         "Role", "User" or "Group", as in PutRolePolicy and RoleName
    find         the identity by name, or NoSuchEntity
    changeable   the same for a change; refuses identities that are AWS's own
    """

    def __init__(
        self,
        noun: str,
        limits: Limits,
        find: Callable[[Reader, str], Identity],
        changeable: Callable[[Transaction, str], Identity],
    ) -> None:
        self._noun = noun
        self._limits = limits
        self._find: Callable[[Reader, str], Identity] = find
        self._changeable: Callable[[Transaction, str], Identity] = changeable
        self._name = f"{noun}Name"

    def register(self) -> None:
        operation("iam", f"Put{self._noun}Policy")(self.put)
        operation("iam", f"Get{self._noun}Policy")(self.get)
        operation("iam", f"List{self._noun}Policies")(self.list)
        operation("iam", f"Delete{self._noun}Policy")(self.delete)
        operation("iam", f"Attach{self._noun}Policy")(self.attach)
        operation("iam", f"Detach{self._noun}Policy")(self.detach)
        operation("iam", f"ListAttached{self._noun}Policies")(self.list_attached)

    def put(self, call: Call, params: Params) -> Answer:
        with call.write() as txn:
            identity = self._changeable(txn, params[self._name])
            txn.put(with_inline(identity, params["PolicyName"], params["PolicyDocument"], self._limits))
        return {}

    def get(self, call: Call, params: Params) -> Answer:
        identity, name = self._find(call.store, params[self._name]), params["PolicyName"]
        document = encoded(inline_document(identity, name, self._limits))
        return {self._name: identity.id, "PolicyName": name, "PolicyDocument": document}

    def list(self, call: Call, params: Params) -> Answer:
        names = sorted(self._find(call.store, params[self._name]).inline_policies)
        page, more = page_of(params, call.operation, names, str)
        return {"PolicyNames": page, **more}

    def delete(self, call: Call, params: Params) -> Answer:
        with call.write() as txn:
            identity = self._changeable(txn, params[self._name])
            txn.put(without_inline(identity, params["PolicyName"], self._limits))
        return {}

    def attach(self, call: Call, params: Params) -> Answer:
        with call.write() as txn:
            identity = self._changeable(txn, params[self._name])
            txn.put(with_attached(txn, identity, params["PolicyArn"], self._limits))
        return {}

    def detach(self, call: Call, params: Params) -> Answer:
        with call.write() as txn:
            identity = self._changeable(txn, params[self._name])
            txn.put(without_attached(identity, params["PolicyArn"]))
        return {}

    def list_attached(self, call: Call, params: Params) -> Answer:
        identity = self._find(call.store, params[self._name])
        attached = attached_below(identity, params.get("PathPrefix", "/"))
        page, more = page_of(params, call.operation, attached, str)
        return {"AttachedPolicies": describe_attached(page), **more}


PolicyOperations("Role", ROLE, find_role, changeable_role).register()
PolicyOperations("User", USER, find_user, find_user).register()
PolicyOperations("Group", GROUP, find_group, find_group).register()
