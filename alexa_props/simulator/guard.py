"""Who may script the simulator: programs that address this machine, and no web page of another site."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.types import Scope

__all__ = ["LISTENS_ON", "foreign"]

LISTENS_ON = "alexa_props.simulator.listens_on"
"""The ASGI extension through which the socket server passes on the host that it was told to bind."""

_LONGEST_SHOWN = 200


def foreign(scope: Scope) -> str | None:
    """Why a request may come from a page of another site; None when it cannot.

    A page whose name was pointed at this machine after it was loaded (DNS rebinding) gives itself away by its name in
    `Host`, and one that posts across sites by its `Origin`.
    """
    bound = scope.get("extensions", {}).get(LISTENS_ON)
    for name, value in scope["headers"]:
        header, text = name.lower(), value.decode("latin-1")
        # A Host is an authority, an Origin a URL; "null" is a page that hides where it is from.
        url = f"//{text}" if header == b"host" else text
        if header in (b"host", b"origin") and not _is_own(url, bound):
            what = header.decode().capitalize()
            return (
                f"{what} is {text[:_LONGEST_SHOWN]!r}: /_simulator answers only to the loopback names of this machine "
                "(localhost, 127.0.0.1, [::1]) and to the host that the simulator was told to listen on."
            )
    return None


def _is_own(url: str, bound: str | None) -> bool:
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost") or (bound and host == bound.lower()):
        return True
    address = _address(host)
    if address is None:
        return False
    if bound is not None:
        # Any address will do for one that listens on all of them: rebinding needs a name.
        listens = _address(bound or "::")
        if listens is not None and listens.is_unspecified:
            return True
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
