"""Login with Amazon: consent, and the access tokens that were issued."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs

from alexa_props.simulator.checks import checked, flag, number, parse_json
from alexa_props.simulator.responses import NO_STORE, Json, Problem, Response, json_response

__all__ = ["Grant", "Login"]

_MOST_TOKENS = 10_000
_CODE_SECONDS = 300
_SCOPES = frozenset(
    {
        "alexa::enterprise:management",
        "credential_locker::wifi_management",
        "profile",
        "profile:user_id",
        "amazon_communication::service_provider",
        "amazon_communication::network:siptrunk",
    }
)
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_NEEDED = {"refresh_token": ("refresh_token",), "authorization_code": ("code", "redirect_uri")}


@attrs.frozen
class Grant:
    """What a client must present for an access token."""

    client_id: str
    client_secret: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)


@attrs.frozen
class _Code:
    """What an authorization code is bound to."""

    redirect_uri: str
    challenge: str | None
    method: str
    expires: float

    def fits(self, form: Mapping[str, str], now: float) -> bool:
        verifier = form.get("code_verifier")
        if now >= self.expires or form["redirect_uri"] != self.redirect_uri:
            return False
        if verifier is None or self.challenge is None:
            return verifier is self.challenge
        if self.method == "S256":
            digest = hashlib.sha256(verifier.encode()).digest()
            verifier = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return hmac.compare_digest(verifier.encode(), self.challenge.encode())


@attrs.define(eq=False)
class Login:
    """Issues access tokens and knows which of them are valid."""

    grant: Grant
    """The one client. Its refresh token changes if refresh tokens rotate."""
    now: Callable[[], float]
    """Returns the time in epoch seconds."""
    lifetime: float = attrs.field(default=3600, validator=checked(number))
    """How many seconds an access token is valid."""
    rotates: bool = attrs.field(default=False, validator=checked(flag))
    """Whether every refresh also replaces the refresh token, and the old one is refused."""
    issued: int = 0
    """How many access tokens were issued."""
    _expiries: dict[str, float] = attrs.field(init=False, factory=dict, repr=False)
    _codes: dict[str, _Code] = attrs.field(init=False, factory=dict, repr=False)
    _consents: int = attrs.field(init=False, default=0)
    _first: tuple[Grant, float, bool] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._first = self.grant, self.lifetime, self.rotates

    def restore(self) -> None:
        """Bring back the first refresh token and settings; access tokens stay valid, rotated refresh tokens do not."""
        self.grant, self.lifetime, self.rotates = self._first

    def _mint(self, kind: str) -> str:
        # Long and made of the same characters as the real ones, and the same for the same seed.
        seed = self.grant.client_secret.encode()
        digest = hmac.digest(seed, f"{kind}{self.issued}".encode(), hashlib.sha512)
        return f"{kind}|{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def accepts(self, token: str) -> bool:
        """Return whether an access token is valid now."""
        return self._expiries.get(token, float("-inf")) > self.now()

    def expire(self) -> None:
        """Make every access token issued so far invalid."""
        self._expiries.clear()

    def consent(self, query: Mapping[str, str]) -> Response:
        """Respond to a visit of the consent page: a valid request is redirected immediately, with a code.

        Args:
            query: The query.
        """
        redirect_uri = query.get("redirect_uri", "")
        # Errors in these two are shown to the user: a redirect could lead to any address.
        if query.get("client_id") != self.grant.client_id:
            raise Problem(400, "The client_id is unknown.", "invalid_request")
        if not _may_redirect(redirect_uri):
            text = "redirect_uri must be https, or http to a loopback address, without a fragment."
            raise Problem(400, text, "invalid_request")
        error, text = _error_in(query)
        if error:
            result = {"error": error, "error_description": text}
        else:
            result = {"code": self._mint_code(query), "scope": query["scope"]}
        if "state" in query:
            result["state"] = query["state"]
        joint = "&" if urlsplit(redirect_uri).query else "?"
        location = ("location", f"{redirect_uri}{joint}{urlencode(result)}")
        return Response(302, b"", (location, *NO_STORE))

    def _mint_code(self, query: Mapping[str, str]) -> str:
        self._consents += 1
        seed = self.grant.client_secret.encode()
        code = hmac.digest(seed, f"code{self._consents}".encode(), hashlib.sha256).hex()[:20]
        if len(self._codes) >= _MOST_TOKENS:
            del self._codes[next(iter(self._codes))]
        self._codes[code] = _Code(
            query["redirect_uri"],
            query.get("code_challenge"),
            query.get("code_challenge_method", "plain"),
            self.now() + _CODE_SECONDS,
        )
        return code

    def issue(self, authorization: str | None, content_type: str, body: bytes) -> Response:
        """Respond to a token request.

        Args:
            authorization: The `Authorization` header, for clients that authenticate with HTTP Basic.
            content_type: The type of the body: a form, or JSON.
            body: The body of the request.
        """
        form = _form(content_type, body)
        if form is None:
            raise Problem(400, "The body is neither a form nor a JSON object of strings.", "invalid_request")
        if authorization is not None:
            basic = _basic(authorization)
            if basic is None:
                raise Problem(401, "The Authorization header is not HTTP Basic.", "invalid_client")
            form = {**form, "client_id": basic[0], "client_secret": basic[1]}
        needed = ("grant_type", "client_id", "client_secret", *_NEEDED.get(form.get("grant_type", ""), ()))
        missing = [name for name in needed if not form.get(name)]
        if missing:
            raise Problem(400, f"The request is missing a required parameter: {missing[0]}", "invalid_request")
        self._check(form)
        return self._grant()

    def _check(self, form: dict[str, str]) -> None:
        known = form["client_id"] == self.grant.client_id
        if not known or not hmac.compare_digest(form["client_secret"].encode(), self.grant.client_secret.encode()):
            raise Problem(401, "Client authentication failed.", "invalid_client")
        match form["grant_type"]:
            case "refresh_token":
                good = hmac.compare_digest(form["refresh_token"].encode(), self.grant.refresh_token.encode())
                text = "The refresh token is invalid or was revoked."
            case "authorization_code":
                # A code is valid for one use, successful or not.
                code = self._codes.pop(form["code"], None)
                good = code is not None and code.fits(form, self.now())
                text = "The authorization code is invalid, was used, or belongs to another request."
            case _:
                text = "The grant_type of this client must be authorization_code or refresh_token."
                raise Problem(400, text, "unauthorized_client")
        if not good:
            raise Problem(400, text, "invalid_grant")

    def _grant(self) -> Response:
        self.issued += 1
        token = self._mint("Atza")
        if len(self._expiries) >= _MOST_TOKENS:
            del self._expiries[next(iter(self._expiries))]
        self._expiries[token] = self.now() + self.lifetime
        if self.rotates:
            self.grant = attrs.evolve(self.grant, refresh_token=self._mint("Atzr"))
        granted: dict[str, Json] = {
            "access_token": token,
            "refresh_token": self.grant.refresh_token,
            "token_type": "bearer",
            "expires_in": int(self.lifetime),
        }
        return json_response(granted, 200, NO_STORE)


def _may_redirect(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        if not uri.isprintable() or not uri.isascii() or " " in uri or parts.fragment or not host:
            return False
        if parts.scheme == "https":
            return True
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _error_in(query: Mapping[str, str]) -> tuple[str, str]:
    """Return the error in a request for consent, and a text for people. Both are empty if there is no error."""
    if query.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code."
    scopes = set(query.get("scope", "").split())
    if not scopes or not scopes <= _SCOPES:
        return "invalid_scope", "An unknown scope was requested."
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
    if method not in (None, "plain", "S256") or (challenge is None and method is not None):
        return "invalid_request", "code_challenge_method must be S256 or plain, with a code_challenge."
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        return "invalid_request", "code_challenge must be 43 to 128 unreserved characters."
    return "", ""


def _form(content_type: str, body: bytes) -> dict[str, str] | None:
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            value = parse_json(body)
            if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
                return None
            return {str(name): str(item) for name, item in value.items() if item}
        # A parameter without a value counts as absent (RFC 6749, section 3.2).
        return dict(parse_qsl(body.decode("ascii"), errors="strict"))
    except ValueError:
        return None


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (client_id, secret) if colon else None
