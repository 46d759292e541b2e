"""The token endpoint of Login with Amazon, and the tokens that it handed out."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import parse_qsl

import attrs

from alexa_props.simulator.answers import Answer, Json, json_answer, problem
from alexa_props.simulator.checks import checked, flag, number, parse_json

__all__ = ["Grant", "Login"]

_NO_STORE = (("cache-control", "no-store"), ("pragma", "no-cache"))
_KEPT_TOKENS = 10_000


@attrs.frozen
class Grant:
    """What a client has to show for an access token."""

    client_id: str
    client_secret: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)


@attrs.define(eq=False)
class Login:
    """Hands out access tokens and knows which of them are good.

    Attributes:
        grant: The one client; its refresh token changes when refresh tokens rotate.
        now: The time in epoch seconds.
        lifetime: How many seconds an access token is good for.
        rotates: Whether every refresh also replaces the refresh token; the old one is refused from then on.
        issued: How many access tokens were handed out.
    """

    grant: Grant
    now: Callable[[], float]
    lifetime: float = attrs.field(default=3600, validator=checked(number))
    rotates: bool = attrs.field(default=False, validator=checked(flag))
    issued: int = 0
    _expiries: dict[str, float] = attrs.field(init=False, factory=dict, repr=False)

    def _mint(self, kind: str) -> str:
        # Long and made of the same characters as the real ones, and the same for the same seed.
        seed = self.grant.client_secret.encode()
        digest = hmac.digest(seed, f"{kind}{self.issued}".encode(), hashlib.sha512)
        return f"{kind}|{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def accepts(self, token: str) -> bool:
        """Whether an access token is good now."""
        return self._expiries.get(token, float("-inf")) > self.now()

    def expire(self) -> None:
        """Makes every access token handed out so far worthless."""
        self._expiries.clear()

    def answer(self, authorization: str | None, content_type: str, body: bytes) -> Answer:
        """Answers one token request.

        Args:
            authorization: The `Authorization` header, for clients that prove themselves by HTTP Basic.
            content_type: Of the body: a form, or JSON.
            body: The request's body.
        """
        form = _form(content_type, body)
        if form is None:
            return problem("login", 400, "The body is neither a form nor a JSON object of strings.", "invalid_request")
        if authorization is not None:
            basic = _basic(authorization)
            if basic is None:
                return problem("login", 401, "The Authorization header is not HTTP Basic.", "invalid_client")
            form = {**form, "client_id": basic[0], "client_secret": basic[1]}
        missing = [
            name
            for name in ("grant_type", "client_id", "client_secret", "refresh_token")
            if not form.get(name) and not (name == "refresh_token" and form.get("grant_type") != "refresh_token")
        ]
        if missing:
            return problem(
                "login", 400, f"The request is missing a required parameter: {missing[0]}", "invalid_request"
            )
        return self._judge(form)

    def _judge(self, form: dict[str, str]) -> Answer:
        known = form["client_id"] == self.grant.client_id
        if not known or not hmac.compare_digest(form["client_secret"].encode(), self.grant.client_secret.encode()):
            return problem("login", 401, "Client authentication failed.", "invalid_client")
        if form["grant_type"] != "refresh_token":
            text = "This client may use no grant but refresh_token."
            return problem("login", 400, text, "unauthorized_client")
        if not hmac.compare_digest(form["refresh_token"].encode(), self.grant.refresh_token.encode()):
            return problem("login", 400, "The refresh token is invalid or was withdrawn.", "invalid_grant")
        self.issued += 1
        token = self._mint("Atza")
        if len(self._expiries) >= _KEPT_TOKENS:
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
        return json_answer(granted, 200, _NO_STORE)


def _form(content_type: str, body: bytes) -> dict[str, str] | None:
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            value = parse_json(body)
            if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
                return None
            return {str(name): str(item) for name, item in value.items()}
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
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
