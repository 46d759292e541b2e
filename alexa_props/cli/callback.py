"""The consent page in the browser, and the request by which the browser returns."""

from __future__ import annotations

import sys
import webbrowser
from typing import Final

import anyio
import anyio.to_thread
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.stapled import MultiListener

from alexa_props.auth.authorize import Consent
from alexa_props.cli.streams import note
from alexa_props.errors import AuthenticationError, ConfigurationError
from alexa_props.settings import Secret

__all__ = ["ask_for_consent"]

_PATH: Final = "/callback"
_MAX_REQUEST: Final = 65_536
"""The most bytes of a request to the callback. A browser sends one or two thousand."""
_REQUEST_TIMEOUT: Final = 10.0
"""Seconds for a request to the callback to arrive."""
_PAGE: Final = '<!doctype html><meta charset="utf-8"><title>alexa-props</title><p>{}</p>'
_HEAD: Final = (
    "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n"
    # The address of the page contains the code.
    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n\r\n"
)


async def ask_for_consent(
    client_id: str, *, scope: str, authorize_url: str, port: int, browser: bool, seconds: float
) -> tuple[Consent, Secret]:
    """Ask a person for consent, and return the request for it with the authorization code.

    Args:
        client_id: Client id of the security profile.
        scope: Scopes to ask for, separated by spaces.
        authorize_url: The consent page.
        port: The port of the callback on 127.0.0.1; 0 takes a free one.
        browser: Whether to open the page; otherwise its address is printed.
        seconds: How long to wait.

    Raises:
        AuthenticationError: Consent was refused, or did not come in time.
        ConfigurationError: The port is taken, or an argument is out of range.

    """
    async with await _listen(port) as listener:
        consent = Consent.ask(
            client_id=client_id,
            redirect_uri=f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}{_PATH}",  # noqa: S610 - a port
            scope=scope,
            authorize_url=authorize_url,
        )
        if browser:
            note(f"opening the consent page in the browser; if it does not open, go to {consent.url}")
        else:
            sys.stdout.write(f"{consent.url}\n")
            sys.stdout.flush()
        return consent, await _wait_for_code(listener, consent, seconds, browser=browser)


async def _listen(port: int) -> MultiListener[SocketStream]:
    try:
        return await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror or error}; "
            f"choose another --port, and allow http://127.0.0.1:PORT{_PATH} in the security profile"
        ) from None


async def _wait_for_code(
    listener: MultiListener[SocketStream], consent: Consent, seconds: float, *, browser: bool
) -> Secret:
    outcome: list[Secret | AuthenticationError] = []
    foreign = _ForeignPages()

    async def serve(stream: SocketStream) -> None:
        async with stream:
            result = await _handle(stream, consent, foreign)
        if result is not None:
            outcome.append(result)
            limit.cancel()

    async with anyio.create_task_group() as tasks:
        if browser:
            tasks.start_soon(_open, consent.url)
        with anyio.move_on_after(seconds) as limit:
            await listener.serve(serve)
        tasks.cancel_scope.cancel()
    if not outcome:
        raise AuthenticationError(f"no consent within {seconds:g} s: run it again, with a longer --timeout if needed")
    if isinstance(outcome[0], AuthenticationError):
        raise outcome[0]
    return outcome[0]


class _ForeignPages:
    """Pages of other logins, reported once: a browser may reload one many times."""

    def __init__(self) -> None:
        self._reported = False

    def report(self) -> None:
        """Report the first page."""
        if not self._reported:
            self._reported = True
            note("refused a page that belongs to another login; still waiting for this one")


async def _handle(
    stream: SocketStream, consent: Consent, foreign: _ForeignPages
) -> Secret | AuthenticationError | None:
    """Respond to one request, and return its outcome; None if it is not about this login."""
    try:
        with anyio.fail_after(_REQUEST_TIMEOUT):
            head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", _MAX_REQUEST)
            status, page, outcome = _respond(head, consent, foreign)
            body = _PAGE.format(page).encode()
            await stream.send(_HEAD.format(status=status, length=len(body)).encode() + body)
    except (TimeoutError, anyio.IncompleteRead, anyio.DelimiterNotFound, anyio.BrokenResourceError):
        # No request came: browsers open connections that they may need later.
        return None
    return outcome


def _respond(
    head: bytes, consent: Consent, foreign: _ForeignPages
) -> tuple[str, str, Secret | AuthenticationError | None]:
    """Return the status, the text and the outcome for a request."""
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path, _, query = rest.partition(" ")[0].partition("?")
    if method != "GET" or path != _PATH:
        return "404 Not Found", "Page not found.", None
    if not consent.is_answer(query):
        foreign.report()
        return "400 Bad Request", "This page belongs to another login: return to the latest one.", None
    try:
        code = consent.code(query)
    except AuthenticationError as error:
        return "200 OK", "Consent was not given. See the terminal for the reason.", error
    return "200 OK", "Consent was given. You can close this window and return to the terminal.", code


async def _open(url: str) -> None:
    # In a thread: a text browser runs until its user quits.
    if not await anyio.to_thread.run_sync(webbrowser.open, url, abandon_on_cancel=True):
        note("cannot open a browser: open the address above, or use --no-browser")
