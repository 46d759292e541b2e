"""First login with Amazon: a person consents in a browser, which yields a refresh token.

The authorization-code grant with PKCE (S256). Opening a browser and listening for the redirect is up to the caller, as
`alexa-props login` does.

    consent = Consent.ask(client_id=…, redirect_uri="http://127.0.0.1:8766/callback")
    # The person opens `consent.url`; the browser is redirected to the redirect URI with a query.
    code = consent.code(query)
    async with httpx.AsyncClient() as http:
        refresh_token = await consent.refresh_token(http, code, client_secret=…)

Source: https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import urllib.parse
from typing import Final, Self

import attrs
import httpx

from alexa_props.auth.token_endpoint import TOKEN_URL, read_tokens, refusal, request_id_of_grant
from alexa_props.errors import AuthenticationError, ConfigurationError, TransportError
from alexa_props.redaction import Redactor
from alexa_props.settings import Secret, require_https
from alexa_props.wire import was_sent

__all__ = ["AUTHORIZE_URL", "SCOPE", "Consent"]

AUTHORIZE_URL: Final = "https://www.amazon.com/ap/oa"
SCOPE: Final = "alexa::enterprise:management"
"""The scope of all Alexa Smart Properties operations of this library."""

_REFUSED: Final = {
    "access_denied": " - consent was refused in the browser: log in again and accept",
    "invalid_scope": " - the security profile may not ask for this scope: is it registered as an API client?",
    "unauthorized_client": " - the security profile is not allowed to use this grant: check its settings",
}
_NOT_EXCHANGED: Final = {
    "invalid_grant": (
        " - the code was used before, is older than five minutes, or belongs to another client or redirect URI: log in "
        "again for a new one"
    ),
    "invalid_client": " - client_id or client_secret is wrong: compare them with the security profile",
    "unauthorized_client": " - the security profile is not allowed to use this grant: check its settings",
}


@attrs.frozen(kw_only=True)
class Consent:
    """A request for a person's consent, with the proofs that a response belongs to it. Make it with `ask`."""

    url: str = attrs.field(repr=False)
    """The page that the person opens in a browser."""
    client_id: str
    """Of the security profile."""
    redirect_uri: str
    """The address to which the browser brings the response."""
    state: Secret
    """Identifies the response. It is known only to this process, the browser and Amazon."""
    verifier: Secret
    """Sent with the code when it is exchanged: Amazon bound the code to it."""

    @classmethod
    def ask(cls, *, client_id: str, redirect_uri: str, scope: str = SCOPE, authorize_url: str = AUTHORIZE_URL) -> Self:
        """Prepare a request for consent; nothing is sent.

        Args:
            client_id: Of the security profile.
            redirect_uri: One of the profile's Allowed Return URLs, for the response; https, or http to loopback.
            scope: Scopes to ask for, separated by spaces.
            authorize_url: The consent page; https, or http to loopback.

        Raises:
            ConfigurationError: An argument is empty, or an address is not https.

        """
        for name, value in (("client_id", client_id), ("scope", scope)):
            if not isinstance(value, str) or not value or not value.isprintable():
                raise ConfigurationError(f"{name} must be a non-empty string without line breaks")
        page = require_https("authorize_url", authorize_url)
        require_https("redirect_uri", redirect_uri)
        # RFC 7636 requires 43 characters of the verifier; these have 86 and 43.
        verifier, state = Secret(secrets.token_urlsafe(64)), Secret(secrets.token_urlsafe(32))
        query = {
            "client_id": client_id,
            "scope": scope,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state.reveal(),
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return cls(
            url=f"{page}?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}",
            client_id=client_id,
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
        )

    def is_answer(self, query: str) -> bool:
        """Return whether the query of a request to the redirect URI belongs to this request, and is not forged."""
        given = _members(query).get("state", Secret(""))
        # A state beyond UTF-8 is another one, not an error.
        return hmac.compare_digest(given.reveal().encode(errors="replace"), self.state.reveal().encode())

    def code(self, query: str) -> Secret:
        """Return the authorization code of a redirect.

        Args:
            query: The part after the question mark of the request to the redirect URI.

        Raises:
            AuthenticationError: The redirect belongs to another request, consent was refused, or there is no code.

        """
        is_ours, members = self.is_answer(query), _members(query)
        # Before anything may raise: a traceback may be shown with this frame's locals.
        del query
        if not is_ours:
            raise AuthenticationError(
                "the browser returned from another login (its state is not this one's): open this login's page again"
            )
        clean = Redactor(self.state, self.verifier, members.get("code")).sanitize
        error, description = (
            clean(members[name].reveal()) if members.get(name) else None for name in ("error", "error_description")
        )
        if error is not None:
            raise AuthenticationError(
                f"Login with Amazon gave no consent to client {self.client_id!r}: "
                f"{error}{': ' + description if description else ''}{_REFUSED.get(error, '')}",
                error=error,
                error_description=description,
            )
        if not members.get("code"):
            raise AuthenticationError("the browser returned without a code and without an error: log in again")
        return members["code"]

    async def refresh_token(
        self, http: httpx.AsyncClient, code: Secret, *, client_secret: str, token_url: str = TOKEN_URL
    ) -> Secret:
        """Exchange the code for a refresh token. The request is sent once, as a code is valid for one use.

        Args:
            http: Sends the request, without its `auth` and without following redirects.
            code: From `code()`.
            client_secret: Of the security profile.
            token_url: Token endpoint; https, or http to loopback.

        Raises:
            ConfigurationError: An argument is empty, or the address is not https.
            AuthenticationError: The token endpoint refused, or gave no refresh token.
            TransportError: No response. The code may have been used: ask for consent again.

        """
        secret = Secret(client_secret)
        # Before anything may raise: a traceback may be shown with this frame's locals.
        del client_secret
        if not secret or not secret.reveal().isprintable():
            raise ConfigurationError("client_secret must be a non-empty string without line breaks")
        address = require_https("token_url", token_url)
        request = http.build_request(
            "POST",
            address,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            content=urllib.parse.urlencode(
                {
                    "grant_type": "authorization_code",
                    "code": code.reveal(),
                    "redirect_uri": self.redirect_uri,
                    "client_id": self.client_id,
                    "client_secret": secret.reveal(),
                    "code_verifier": self.verifier.reveal(),
                }
            ).encode(),
        )
        response = await _send(http, request)
        if isinstance(response, TransportError):
            raise response
        if not response.is_success:
            attempt = f"{address.host} refused to give a refresh token to client {self.client_id!r}"
            raise refusal(response, attempt, _NOT_EXCHANGED, secret, code, self.verifier)
        tokens = read_tokens(response)
        if tokens.refresh is None:
            request_id = request_id_of_grant(response)
            raise AuthenticationError(
                f"{address.host} gave client {self.client_id!r} an access token but no refresh token: log in again "
                f"(request id {request_id})",
                status=response.status_code,
                request_id=request_id,
            )
        return tokens.refresh


async def _send(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response | TransportError:
    """Return the response, or the error to raise outside: chained, httpx's own would show frames with the body."""
    try:
        return await http.send(request, auth=None, follow_redirects=False)
    except httpx.RequestError as error:
        reason = Redactor.of(request).sanitize(str(error))
        return TransportError(
            f"asking {request.url.host} for a refresh token failed: {type(error).__name__}: {reason}; log in again",
            sent=was_sent(error) if isinstance(error, httpx.TransportError) else "maybe",
            attempts=1,
        )


def _challenge(verifier: Secret) -> str:
    digest = hashlib.sha256(verifier.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _members(query: str) -> dict[str, Secret]:
    """Return the members of a query. Of a repeated one, the first counts."""
    members = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="replace")
    return {name: Secret(value) for name, value in reversed(members)}
