"""The addresses a request wants for an interface, by name or by number."""

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from seawall.api.ec2.addressing import claim_ipv6_address, claim_private_address
from seawall.api.params import Params
from seawall.model.subnet import Subnet
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError


def private_address(text: str, parameter: str = "privateIpAddress") -> IPv4Address:
    """Raises ApiError InvalidParameterValue."""
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {parameter} is invalid. Invalid IPv4 address.",
        ) from error


def ipv6_address(text: str, parameter: str = "ipv6Address") -> IPv6Address:
    """Raises ApiError InvalidParameterValue."""
    try:
        if "%" in text:
            raise AddressValueError(text)
        return IPv6Address(text)
    except AddressValueError as error:
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {parameter} is invalid. Invalid IPv6 address.",
        ) from error


def check_one_of(params: Params, *members: str) -> None:
    """Refuse a request that gives more than one of the members."""
    given = [member for member in members if params.get(member)]
    if len(given) > 1:
        names = ", ".join(sorted(member[0].lower() + member[1:] for member in given))
        raise ApiError("InvalidParameterCombination", f"The parameters {names} cannot be used together")


def count_of(params: Params, member: str) -> int:
    """A number of addresses, 0 when it is not given.  Raises ApiError InvalidParameterValue."""
    value = params.get(member) or 0
    if value < 0:
        parameter = member[0].lower() + member[1:]
        raise ApiError("InvalidParameterValue", f"Value ({value}) for parameter {parameter} is invalid.")
    return int(value)


def claim_private_addresses(
    txn: Transaction, subnet: Subnet, wanted: Sequence[IPv4Address | None], *, but: Sequence[str] = ()
) -> list[str]:
    """One address for each of `wanted` (None: any)."""
    found: list[str] = []
    named = [str(address) for address in wanted if address is not None]
    _refuse_twice(named)
    for address in wanted:
        taken = (*but, *found, *named) if address is None else ()
        found.append(claim_private_address(txn, subnet, address, but=taken))
    return found


def claim_ipv6_addresses(
    txn: Transaction, subnet: Subnet, named: Sequence[IPv6Address], count: int
) -> list[str]:
    """The named addresses, or `count` of any."""
    _refuse_twice([str(address) for address in named])
    found = [claim_ipv6_address(txn, subnet, address) for address in named]
    for _ in range(0 if named else count):
        found.append(claim_ipv6_address(txn, subnet, but=found))
    return found


def _refuse_twice(named: Sequence[str]) -> None:
    for number, address in enumerate(named):
        if address in named[:number]:
            raise ApiError("InvalidIPAddress.InUse", f"Address {address} is in use.")
