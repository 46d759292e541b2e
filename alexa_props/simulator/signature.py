"""Verification of AWS Signature Version 4."""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

import attrs

__all__ = ["Keys", "SignedRequest", "check"]

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60

_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_PART = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")
_SCOPE_PARTS = 5
_EXPIRED_OR_WRONG = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)


@attrs.frozen
class Keys:
    """The AWS keys that are valid here. The session token is optional."""

    access_key: str
    secret_key: str = attrs.field(repr=False)
    session_token: str = attrs.field(repr=False)
    region: str
    service: str = "a4b"


@attrs.frozen
class SignedRequest:
    """The parts of a request that a signature covers. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@attrs.frozen
class Refusal:
    """Why a signature is not accepted."""

    code: str
    message: str
    status: int = 400


@attrs.frozen
class _Claim:
    access_key: str
    scope: str
    signed: tuple[str, ...]
    signature: str
    date: str


def collect(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name, with spaces collapsed in values and repeated headers joined."""
    collected: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), " ".join(raw_value.decode("latin-1").split())
        collected[name] = f"{collected[name]},{value}" if name in collected else value
    return collected


@functools.lru_cache(maxsize=64)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key


def _canonical_query(query: str) -> str:
    def encode(text: str) -> str:
        return quote(unquote_to_bytes(text), safe="-_.~")

    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(f"{name}={value}" for name, value in sorted((encode(n), encode(v)) for n, _, v in pairs))


def _canonical(request: SignedRequest, signed: tuple[str, ...]) -> str:
    return "\n".join(
        (
            request.method,
            request.path,
            _canonical_query(request.query),
            *(f"{name}:{request.headers[name]}" for name in signed),
            "",
            ";".join(signed),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _claim(request: SignedRequest) -> _Claim | Refusal:
    header = request.headers.get("authorization")
    if not header:
        return Refusal("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    algorithm, _, rest = header.partition(" ")
    parts = dict(_PART.findall(rest))
    date = request.headers.get("x-amz-date", "")
    for name in ("Credential", "SignedHeaders", "Signature"):
        if name not in parts:
            return Refusal("IncompleteSignature", f"Authorization header requires {name!r} parameter.")
    if algorithm != ALGORITHM:
        return Refusal("IncompleteSignature", f"Unsupported AWS algorithm: {algorithm!r}.")
    if not date:
        return Refusal("IncompleteSignature", "Authorization header requires existence of an 'X-Amz-Date' header.")
    access_key, slash, scope = parts["Credential"].partition("/")
    if not slash or parts["Credential"].count("/") != _SCOPE_PARTS - 1:
        return Refusal("IncompleteSignature", "Credential must have 5 slash-delimited elements.")
    return _Claim(access_key, scope, tuple(sorted(parts["SignedHeaders"].split(";"))), parts["Signature"], date)


def _unsigned(request: SignedRequest, signed: tuple[str, ...]) -> str | None:
    """Return a header that must be signed and is not, or one that is signed and missing."""
    for name in request.headers:
        if (name in ("host", "content-type") or name.startswith("x-amz-")) and name not in signed:
            return name
    return next((name for name in signed if name not in request.headers), None)


def check(request: SignedRequest, keys: Keys, now: datetime) -> Refusal | None:
    """Return why the signature of a request is refused, or None if it is valid.

    Args:
        request: The request as it arrived; `host` includes the port.
        keys: The keys that it must be signed with.
        now: The current time, aware.
    """
    claim = _claim(request)
    if isinstance(claim, Refusal):
        return claim
    try:
        signed_at = datetime.strptime(claim.date, _DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return Refusal("IncompleteSignature", "Date must be in ISO-8601 'basic format'.")
    session_token = request.headers.get("x-amz-security-token", keys.session_token)
    if claim.access_key != keys.access_key or session_token != keys.session_token:
        return Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    if abs((now - signed_at).total_seconds()) > MAX_SKEW_SECONDS:
        return Refusal("RequestExpired", f"Signature expired: {claim.date} is more than 15 minutes off.")
    scope = f"{claim.date[:8]}/{keys.region}/{keys.service}/aws4_request"
    if claim.scope != scope:
        text = f"Credential should be scoped to {scope!r}, not to {claim.scope!r}."
        return Refusal("InvalidSignatureException", text)
    unsigned = _unsigned(request, claim.signed)
    if unsigned is not None:
        text = f"{unsigned!r} must be a 'SignedHeader' in the AWS Authorization."
        return Refusal("InvalidSignatureException", text)
    digest = hashlib.sha256(_canonical(request, claim.signed).encode()).hexdigest()
    text_to_sign = f"{ALGORITHM}\n{claim.date}\n{scope}\n{digest}"
    key = _signing_key(keys.secret_key, claim.date[:8], keys.region, keys.service)
    expected = hmac.digest(key, text_to_sign.encode(), hashlib.sha256).hex()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        return Refusal("InvalidSignatureException", _EXPIRED_OR_WRONG)
    return None
