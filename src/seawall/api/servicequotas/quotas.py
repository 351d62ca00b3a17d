"""Service Quotas: what is published, what holds, and raising it.  A raise is granted at once."""

from collections.abc import Iterable
from typing import Any

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.quota import SERVICES, Quota, bounds_of, limit, published
from seawall.api.registry import Call, operation
from seawall.model.service_quota import AppliedQuota, QuotaRequest
from seawall.store.ids import new_uuid
from seawall.wire.errors import ApiError

PAGE = 100
_LEVEL = {"QuotaAppliedAtLevel": "quotas are the account's"}


@operation("service-quotas", "ListServices")
def list_services(call: Call, params: Params) -> dict[str, Any]:
    services = sorted({quota.service for quota in published().values()})
    return _page(
        params, "Services", [{"ServiceCode": code, "ServiceName": SERVICES[code]} for code in services]
    )


@operation("service-quotas", "ListServiceQuotas", refused=_LEVEL)
def list_service_quotas(call: Call, params: Params) -> dict[str, Any]:
    wanted = params.get("QuotaCode")
    chosen = [q for q in _of_service(params["ServiceCode"]) if wanted in (None, q.code)]
    return _page(params, "Quotas", [_shown(call, q, limit(call.store, q)) for q in chosen])


@operation("service-quotas", "ListAWSDefaultServiceQuotas")
def list_default_quotas(call: Call, params: Params) -> dict[str, Any]:
    return _page(params, "Quotas", [_shown(call, q, q.default) for q in _of_service(params["ServiceCode"])])


@operation("service-quotas", "GetServiceQuota", refused={"ContextId": "quotas are the account's"})
def get_service_quota(call: Call, params: Params) -> dict[str, Any]:
    quota = _quota(params)
    return {"Quota": _shown(call, quota, limit(call.store, quota))}


@operation("service-quotas", "GetAWSDefaultServiceQuota")
def get_default_quota(call: Call, params: Params) -> dict[str, Any]:
    quota = _quota(params)
    return {"Quota": _shown(call, quota, quota.default)}


@operation(
    "service-quotas",
    "RequestServiceQuotaIncrease",
    stored={"SupportCaseAllowed": "no request needs a support case"},
    refused={"ContextId": "quotas are the account's"},
    note="Every raise that AWS could grant is granted at once.",
)
def request_increase(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        quota, desired = _quota(params), float(params["DesiredValue"])
        if quota.greatest == quota.default:
            raise ApiError(
                "IllegalArgumentException", f"The quota {quota.code} is not adjustable.", status=400
            )
        if desired <= limit(txn, quota):
            raise ApiError(
                "IllegalArgumentException",
                "You must provide a quota value greater than or equal to the current quota value.",
            )
        if quota.greatest is not None and desired > quota.greatest:
            raise ApiError(
                "IllegalArgumentException",
                f"The desired value {desired:g} exceeds {quota.greatest}, the most there can be.",
            )
        for other, most in bounds_of(quota):
            if desired * limit(txn, other) > most:
                raise ApiError(
                    "IllegalArgumentException",
                    f"The quota for {quota.name} multiplied by the quota for {other.name} cannot exceed"
                    f" {most}.",
                )
        request = QuotaRequest(
            id=new_uuid().replace("-", ""),
            quota_code=quota.code,
            desired_value=desired,
            requester=call.principal.arn,
            created=call.now,
        )
        txn.put(AppliedQuota(id=quota.code, value=int(desired)))
        txn.put(request, expect=0)
    return {"RequestedQuota": _shown_request(call, request, "PENDING")}


@operation("service-quotas", "GetRequestedServiceQuotaChange")
def get_requested_change(call: Call, params: Params) -> dict[str, Any]:
    found = call.store.find(QuotaRequest, params["RequestId"])
    if found is None:
        raise _missing("The request failed because the specified resource does not exist.")
    return {"RequestedQuota": _shown_request(call, found, "APPROVED")}


@operation(
    "service-quotas",
    "ListRequestedServiceQuotaChangeHistory",
    refused={"QuotaRequestedAtLevel": "quotas are the account's"},
)
def list_requests(call: Call, params: Params) -> dict[str, Any]:
    return _history(call, params, published().values())


@operation(
    "service-quotas",
    "ListRequestedServiceQuotaChangeHistoryByQuota",
    refused={"QuotaRequestedAtLevel": "quotas are the account's"},
)
def list_requests_of_quota(call: Call, params: Params) -> dict[str, Any]:
    return _history(call, params, [_quota(params)])


def _history(call: Call, params: Params, quotas: Iterable[Quota]) -> dict[str, Any]:
    service, status = params.get("ServiceCode"), params.get("Status")
    codes = {q.code for q in quotas if service in (None, q.service)}
    found = [r for r in call.store.all(QuotaRequest) if r.quota_code in codes]
    shown = [_shown_request(call, r, "APPROVED") for r in found if status in (None, "APPROVED")]
    return _page(params, "RequestedQuotas", shown)


def _quota(params: Params) -> Quota:
    service, code = params["ServiceCode"], params["QuotaCode"]
    found = next((q for q in _of_service(service) if q.code == code), None)
    if found is None:
        raise _missing("The request failed because the specified quota does not exist.")
    return found


def _of_service(service: str) -> list[Quota]:
    if service not in SERVICES:
        raise _missing("The request failed because the specified service does not exist.")
    return sorted((q for q in published().values() if q.service == service), key=lambda q: q.code)


def _missing(text: str) -> ApiError:
    return ApiError("NoSuchResourceException", text)


def _arn(call: Call, quota: Quota) -> str:
    return call.arn(f"{quota.service}/{quota.code}", service="servicequotas")


def _shown(call: Call, quota: Quota, value: int) -> dict[str, Any]:
    return {
        "ServiceCode": quota.service,
        "ServiceName": SERVICES[quota.service],
        "QuotaArn": _arn(call, quota),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": quota.greatest != quota.default,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _shown_request(call: Call, request: QuotaRequest, status: str) -> dict[str, Any]:
    quota = published()[request.quota_code]
    return {
        "Id": request.id,
        "ServiceCode": quota.service,
        "ServiceName": SERVICES[quota.service],
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "DesiredValue": request.desired_value,
        "Status": status,
        "Created": request.created,
        "LastUpdated": request.created,
        "Requester": request.requester,
        "QuotaArn": _arn(call, quota),
        "GlobalQuota": False,
        "Unit": "None",
    }


def _page(params: Params, member: str, shown: list[dict[str, Any]]) -> dict[str, Any]:
    name = "Id" if member == "RequestedQuotas" else "ServiceCode" if member == "Services" else "QuotaCode"
    ordered = sorted(shown, key=lambda item: str(item[name]))
    try:
        page, token = take_page(
            ordered, params.get("MaxResults") or PAGE, params.get("NextToken"), lambda item: str(item[name])
        )
    except InvalidToken as error:
        raise ApiError("InvalidPaginationTokenException", "Invalid token was provided.") from error
    return {member: page, **({"NextToken": token} if token else {})}
