"""Login with Amazon for the first time: a person consents in a browser, and that gives a refresh token.

The authorization-code grant with PKCE (S256). Nothing here opens a browser or listens for its answer: that is up to the
caller, and `alexa-props login` is one.

    consent = Consent.ask(client_id=…, redirect_uri="http://127.0.0.1:8766/callback")
    # The person opens `consent.url`; the browser comes back to the redirect URI with a query.
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
"""The scope of all of Alexa Smart Properties that this library calls."""

_REFUSED: Final = {
    "access_denied": " - consent was refused in the browser",
    "invalid_scope": " - the security profile may not ask for this scope: is it registered as an API client?",
    "unauthorized_client": " - the security profile may not use this grant",
}
_NOT_EXCHANGED: Final = {
    "invalid_grant": " - the code was used before, is older than five minutes, or belongs to another client or address",
    "invalid_client": " - client_id or client_secret is wrong",
    "unauthorized_client": " - the security profile is not allowed to use this grant",
}


@attrs.frozen(kw_only=True)
class Consent:
    """One asking for a person's consent, and what proves that an answer belongs to it. Make it with `ask`.

    Attributes:
        url: the page that the person opens in a browser.
        client_id: of the security profile.
        redirect_uri: where the browser brings the answer.
        state: comes back with the answer, and is known to nobody else.
        verifier: what the code is bound to; sent with it when it is traded.

    """

    url: str = attrs.field(repr=False)
    client_id: str
    redirect_uri: str
    state: Secret
    verifier: Secret

    @classmethod
    def ask(cls, *, client_id: str, redirect_uri: str, scope: str = SCOPE, authorize_url: str = AUTHORIZE_URL) -> Self:
        """Prepare to ask; nothing is sent.

        Args:
            client_id: of the security profile.
            redirect_uri: where the browser is to bring the answer, one of the profile's Allowed Return URLs; https, or
                http to this machine.
            scope: what to ask for, names separated by spaces.
            authorize_url: the consent page; https, or http to this machine.

        Raises:
            ConfigurationError: an argument is empty, or an address is not https.

        """
        for name, value in (("client_id", client_id), ("scope", scope)):
            if not isinstance(value, str) or not value or not value.isprintable():
                raise ConfigurationError(f"{name} must be a non-empty string without line breaks")
        page = require_https("authorize_url", authorize_url)
        require_https("redirect_uri", redirect_uri)
        # 43 characters at least, says RFC 7636; these are 86 and 43.
        verifier, state = Secret(secrets.token_urlsafe(64)), Secret(secrets.token_urlsafe(32))
        question = {
            "client_id": client_id,
            "scope": scope,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state.reveal(),
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return cls(
            url=f"{page}?{urllib.parse.urlencode(question, quote_via=urllib.parse.quote)}",
            client_id=client_id,
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
        )

    def is_answer(self, query: str) -> bool:
        """Whether the query of a request to the redirect URI answers this asking, and not another or a forged one."""
        given = _members(query).get("state", Secret(""))
        # What is beyond UTF-8 is not ours either, and no reason to fail.
        return hmac.compare_digest(given.reveal().encode(errors="replace"), self.state.reveal().encode())

    def code(self, query: str) -> Secret:
        """The authorization code in the query of the answer.

        Args:
            query: what comes after the question mark of the request to the redirect URI.

        Raises:
            AuthenticationError: it answers another asking, consent was refused, or it holds no code.

        """
        ours, answer = self.is_answer(query), _members(query)
        # Before anything may raise: a traceback shows what names are bound to.
        del query
        if not ours:
            raise AuthenticationError("the browser brought the answer to another login: its state is not this one's")
        clean = Redactor(self.state, self.verifier, answer.get("code")).sanitize
        error, description = (
            clean(answer[name].reveal()) if answer.get(name) else None for name in ("error", "error_description")
        )
        if error is not None:
            raise AuthenticationError(
                f"Login with Amazon gave no consent to client {self.client_id!r}: "
                f"{error}{': ' + description if description else ''}{_REFUSED.get(error, '')}",
                error=error,
                error_description=description,
            )
        if not answer.get("code"):
            raise AuthenticationError("the browser brought an answer without a code and without an error")
        return answer["code"]

    async def refresh_token(
        self, http: httpx.AsyncClient, code: Secret, *, client_secret: str, token_url: str = TOKEN_URL
    ) -> Secret:
        """Trade the code for a refresh token. It is sent once: a code is good for one use.

        Args:
            http: sends the request; its own `auth` and redirects are left out.
            code: what `code()` gave.
            client_secret: of the security profile.
            token_url: token endpoint; https, or http to this machine.

        Raises:
            ConfigurationError: an argument is empty, or the address is not https.
            AuthenticationError: the token endpoint refused, or gave no refresh token.
            TransportError: no answer; the code may be used up, so ask for consent anew.

        """
        secret = Secret(client_secret)
        # Before anything may raise: a traceback shows what names are bound to.
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
            what = f"{address.host} refused to give a refresh token to client {self.client_id!r}"
            raise refusal(response, what, _NOT_EXCHANGED, secret, code, self.verifier)
        tokens = read_tokens(response)
        if tokens.refresh is None:
            request_id = request_id_of_grant(response)
            raise AuthenticationError(
                f"{address.host} gave an access token but no refresh token (request id {request_id})",
                status=response.status_code,
                request_id=request_id,
            )
        return tokens.refresh


async def _send(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response | TransportError:
    """The answer, or the error to raise outside: as a cause, httpx's would show frames that hold the body."""
    try:
        return await http.send(request, auth=None, follow_redirects=False)
    except httpx.RequestError as error:
        reason = Redactor.of(request).sanitize(str(error))
        return TransportError(
            f"asking {request.url.host} for a refresh token failed: {type(error).__name__}: {reason}",
            sent=was_sent(error) if isinstance(error, httpx.TransportError) else "maybe",
            attempts=1,
        )


def _challenge(verifier: Secret) -> str:
    digest = hashlib.sha256(verifier.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _members(query: str) -> dict[str, Secret]:
    """The members of a query; of one that comes twice, the first."""
    members = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="replace")
    return {name: Secret(value) for name, value in reversed(members)}
