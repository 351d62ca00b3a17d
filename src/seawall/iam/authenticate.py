"""Who is calling: credentials to a principal."""

import hmac
from datetime import datetime
from typing import Literal, Protocol

from seawall.iam.principal import Principal
from seawall.model.access_key import AccessKey, RoleSession, UserSession
from seawall.model.installation import Installation
from seawall.model.role import Role
from seawall.model.user import User
from seawall.store.store import Reader
from seawall.wire.auth_faults import AuthFault, auth_error
from seawall.wire.aws_chunked import ChunkSigner
from seawall.wire.http import Request
from seawall.wire.s3_protocol import bucket_of_host
from seawall.wire.service import Service
from seawall.wire.sigv2 import check_old, read_old_signature
from seawall.wire.sigv4 import Signature, check_match, check_time, claimed_key, read_signature

GLOBAL_REGION = "us-east-1"  # where services without regions (IAM, the global STS endpoint) are signed for


class AuthSettings(Protocol):
    """Whom this Seawall lets in.

    auth   "enforce": known keys with right signatures only; "open": anybody, as the account's administrator
    """

    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def auth(self) -> Literal["enforce", "open"]: ...


def authenticate(
    request: Request, service: Service, store: Reader, settings: AuthSettings, now: datetime
) -> Principal:
    """The caller of a request to `service`.

    In "open" mode nothing is verified, but a key that exists still tells who is calling.
    Raises ApiError in the words of the service's protocol.
    """
    if settings.auth == "open":
        key = claimed_key(request)
        known = _find_principal(key, store, settings, now) if key else None
        return known or _administrator(store, settings, key or "")
    try:
        return _verified(request, service, store, settings, now)
    except AuthFault as fault:
        raise auth_error(fault, service) from fault


def _administrator(store: Reader, settings: AuthSettings, access_key_id: str) -> Principal:
    """Whom unknown callers are taken for in "open" mode: the first user, else the account itself."""
    installation = store.find(Installation, "installation")
    key = store.find(AccessKey, installation.administrator_key_id) if installation else None
    owner = _key_owner(key.user, key.id, store, settings) if key else None
    return owner or root_principal(settings, access_key_id)


def root_principal(settings: AuthSettings, access_key_id: str) -> Principal:
    """The account itself."""
    return Principal(
        kind="root",
        account=settings.account,
        arn=f"arn:aws:iam::{settings.account}:root",
        user_id=settings.account,
        access_key_id=access_key_id,
    )


def _verified(
    request: Request, service: Service, store: Reader, settings: AuthSettings, now: datetime
) -> Principal:
    old = read_old_signature(request) if service.name == "s3" else None
    if old is not None:
        secret = _secret(old.access_key_id, old.security_token, store, now)
        bucket = bucket_of_host(request.headers.get("host", ""), settings.region)
        check_old(request, old, secret, bucket, now)
        return _known(old.access_key_id, store, settings, now)
    signature = read_signature(request)
    secret = _secret(signature.access_key_id, signature.security_token, store, now)
    _check_scope(signature, service, settings)
    check_time(signature, now)
    check_match(request, signature, secret)
    if service.name == "iam" and store.find(UserSession, signature.access_key_id) is not None:
        raise AuthFault("unknown key")  # GetSessionToken without a device opens everything but IAM
    return _known(signature.access_key_id, store, settings, now)


def _known(access_key_id: str, store: Reader, settings: AuthSettings, now: datetime) -> Principal:
    principal = _find_principal(access_key_id, store, settings, now)
    if principal is None:
        raise AuthFault("unknown key")
    return principal


def chunk_signer(request: Request, store: Reader, settings: AuthSettings) -> ChunkSigner | None:
    """What verifies the signed chunks of a request that has been authenticated; None where nothing is."""
    if settings.auth == "open" or "authorization" not in request.headers:
        return None
    signature = read_signature(request)
    key = store.find(AccessKey, signature.access_key_id) or _find_session(signature.access_key_id, store)
    return ChunkSigner(signature, key.secret) if key is not None else None


def _secret(access_key_id: str, security_token: str | None, store: Reader, now: datetime) -> str:
    """The secret of the claimed key.  Raises AuthFault when the key or its token is not good."""
    key = store.find(AccessKey, access_key_id)
    if key is not None:
        if key.status != "Active" or security_token is not None:
            raise AuthFault("unknown key")
        return key.secret
    session = _find_session(access_key_id, store)
    token = (security_token or "").encode("utf-8", "replace")
    if session is None or not hmac.compare_digest(token, session.session_token.encode()):
        raise AuthFault("unknown key")
    if session.expiration <= now:
        raise AuthFault("session expired")
    return session.secret


def _find_session(access_key_id: str, store: Reader) -> RoleSession | UserSession | None:
    return store.find(RoleSession, access_key_id) or store.find(UserSession, access_key_id)


def _check_scope(signature: Signature, service: Service, settings: AuthSettings) -> None:
    regions = {settings.region, GLOBAL_REGION} if service.is_global else {settings.region}
    if signature.region not in regions:
        raise AuthFault("scope", "Credential should be scoped to a valid region.")
    if signature.service != service.signing_name:
        raise AuthFault("scope", f"Credential should be scoped to correct service: '{service.signing_name}'.")


def _find_principal(
    access_key_id: str, store: Reader, settings: AuthSettings, now: datetime
) -> Principal | None:
    """Whose key this is; None for one that is unknown, inactive, expired, or whose owner is gone."""
    key = store.find(AccessKey, access_key_id)
    if key is not None:
        return _key_owner(key.user, key.id, store, settings) if key.status == "Active" else None
    session = _find_session(access_key_id, store)
    if session is None or session.expiration <= now:
        return None
    if isinstance(session, UserSession):
        return _key_owner(session.user, session.id, store, settings)
    role = store.find(Role, session.role)
    if role is None:
        return None
    return Principal(
        kind="assumed-role",
        account=settings.account,
        arn=f"arn:aws:sts::{settings.account}:assumed-role/{role.id}/{session.session_name}",
        user_id=f"{role.role_id}:{session.session_name}",
        access_key_id=access_key_id,
    )


def _key_owner(
    name: str | None, access_key_id: str, store: Reader, settings: AuthSettings
) -> Principal | None:
    if name is None:
        return root_principal(settings, access_key_id)
    user = store.find(User, name)
    if user is None:
        return None
    return Principal(
        kind="user",
        account=settings.account,
        arn=f"arn:aws:iam::{settings.account}:{user.resource}",
        user_id=user.user_id,
        access_key_id=access_key_id,
    )
