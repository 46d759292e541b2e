"""Protects `/_simulator` from web pages of other sites."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.types import Scope

__all__ = ["LISTENS_ON", "foreign"]

LISTENS_ON = "alexa_props.simulator.listens_on"
"""ASGI extension: the host that the socket server was asked to bind."""

_LONGEST_SHOWN = 200


def foreign(scope: Scope) -> str | None:
    """Return why a request may come from a page of another site; None when it cannot.

    DNS rebinding (a page whose name resolves to this machine once it is loaded) shows in `Host`, a cross-site request
    in `Origin`.
    """
    bound = scope.get("extensions", {}).get(LISTENS_ON)
    for name, value in scope["headers"]:
        header, text = name.lower(), value.decode("latin-1")
        # An Origin is a URL, or "null" where the page hides its own.
        url = f"//{text}" if header == b"host" else text
        if header in (b"host", b"origin") and not _is_own(url, bound):
            what = header.decode().capitalize()
            return (
                f"{what} is {text[:_LONGEST_SHOWN]!r}: /_simulator accepts only loopback names (localhost, 127.0.0.1, "
                "[::1]) and the host that the simulator listens on. Use one of these."
            )
    return None


def _is_own(url: str, bound: str | None) -> bool:
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return False
    if "@" in url:  # browsers send no user name; what stands before it may be a name that only looks like one
        return False
    if host == "localhost" or host.endswith(".localhost") or (bound and host == bound.lower()):
        return True
    address = _address(host)
    if address is None:
        return False
    if bound is not None:
        # Listening on all addresses, it cannot know its own; rebinding needs a name, so an address is safe.
        listens = _address(bound or "::")
        if listens is not None and listens.is_unspecified:
            return True
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
