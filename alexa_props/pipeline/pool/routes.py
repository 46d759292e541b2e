"""The route to a host: which proxy, and which certificates."""

from __future__ import annotations

import ipaddress
import os
import ssl
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import httpx
import yarl

from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret, is_loopback

__all__ = ["Proxies", "Trust"]


def _configured_proxy(value: object) -> tuple[yarl.URL | None, str]:
    """Return the proxy's URL, or None and what is wrong with `value`. Never quote it: it may hold a password."""
    text = value.reveal() if isinstance(value, Secret) else str(value)
    try:
        url = yarl.URL(text if "://" in text else f"http://{text}")
    except ValueError:
        return None, "is not a URL"
    if url.scheme not in {"http", "https"} or not url.host:
        return None, "must be the URL of an http or https proxy (for other kinds, pass transport=)"
    return url, ""


def _ssl_context(verify: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """Return a verifying context: CAs from `verify`, else from SSL_CERT_FILE and SSL_CERT_DIR, else httpx's default."""
    what = "verify" if verify is not None else "SSL_CERT_FILE or SSL_CERT_DIR"
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if verify is not None:
        path = os.fspath(verify)
        file, folder = (None, path) if Path(path).is_dir() else (path, None)
    if not file and not folder:
        context = httpx.create_ssl_context(trust_env=False)
    else:
        try:
            context = ssl.create_default_context(cafile=file or None, capath=folder or None)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"{what}: no certificates could be read from {file or folder} ({error.strerror or error})"
            ) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _require_verifying(context: ssl.SSLContext) -> None:
    if context.verify_mode is ssl.CERT_NONE:
        raise ConfigurationError("verify must be a context that verifies, and the verify_mode of this one is CERT_NONE")
    if not context.check_hostname:
        # `ssl.PROTOCOL_TLS` does not by default: with public CAs, any valid certificate would be accepted.
        raise ConfigurationError("verify must be a context that checks whose certificate it is: set its check_hostname")


def _matches(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of NO_PROXY, written as for curl, matches a host in lower case."""
    name, _, wanted = entry.rpartition(":")
    if wanted.isdecimal() and (":" not in name or name.endswith("]")):  # an IPv6 address without brackets has no port
        if wanted != str(port):
            return False
    else:
        name = entry
    name = name.replace("[", "").replace("]", "")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return bool(name) and f".{host}".endswith(f".{name}")
    try:
        return address in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False


class Proxies:
    """The proxy of each request: one for all, or those of the environment, which is read once, at the first request."""

    def __init__(self, proxy: str | httpx.URL | Secret | None) -> None:
        self._by_scheme: Mapping[str, yarl.URL | str] | None = None
        self._environment: Mapping[str, str] | None = None
        self._direct: list[str] = []
        if proxy is not None:
            url, problem = _configured_proxy(proxy)
            # A traceback would show its password.
            del proxy
            if url is None:
                raise ConfigurationError(f"proxy {problem}")
            self._by_scheme = {"all": url}

    def find(self, scheme: str, host: str, port: int | None) -> yarl.URL | None:
        """Return the proxy for an address; None for a direct connection."""
        if self._by_scheme is None:
            self._by_scheme = self._read_environment()
        if not self._by_scheme:
            return None
        if self._environment is not None:
            if is_loopback(host):
                # Plain http is allowed to loopback: a proxy would carry secrets off this machine in the clear.
                return None
            named = host.lower().rstrip(".")
            port = port or {"http": 80, "https": 443}[scheme]
            if any(entry == "*" or _matches(entry, named, port) for entry in self._direct):
                return None
        found = self._by_scheme.get(scheme) or self._by_scheme.get("all")
        if isinstance(found, str):
            raise ConfigurationError(found)
        return found

    def _read_environment(self) -> Mapping[str, yarl.URL | str]:
        """Return proxies by scheme, or what is wrong with each: only a request that would use it reports that."""
        self._environment = urllib.request.getproxies_environment()
        self._direct = self._environment.get("no", "").lower().replace(",", " ").split()
        proxies: dict[str, yarl.URL | str] = {}
        for name in {"http", "https", "all"} & self._environment.keys():
            url, problem = _configured_proxy(self._environment[name])
            proxies[name] = url or f"the environment variable {name.upper()}_PROXY {problem}"
        return proxies


class Trust:
    """The trusted certificates. The context is made when first needed, which takes tens of milliseconds."""

    def __init__(self, verify: ssl.SSLContext | str | os.PathLike[str] | None) -> None:
        if verify is not None and not isinstance(verify, ssl.SSLContext | str | os.PathLike):
            raise ConfigurationError(f"verify must be an ssl.SSLContext, a path or None, not {verify!r}")
        if isinstance(verify, ssl.SSLContext):
            _require_verifying(verify)
        elif verify is not None and not Path(verify).exists():
            raise ConfigurationError(f"verify must be a file or directory that exists, not {os.fspath(verify)!r}")
        self._verify = verify

    def context(self) -> ssl.SSLContext:
        """Return the context, always the same one."""
        if not isinstance(self._verify, ssl.SSLContext):
            self._verify = _ssl_context(self._verify)
        # The user may have passed it, and changed it since.
        _require_verifying(self._verify)
        return self._verify
