"""The browser at the consent page, and the one request with which it comes back to us."""

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
from alexa_props.cli.exit import note
from alexa_props.errors import AuthenticationError, ConfigurationError
from alexa_props.settings import Secret

__all__ = ["consented"]

_PATH: Final = "/callback"
_LARGEST: Final = 65_536
"""Bytes of a request to the callback; a browser sends one or two thousand."""
_PATIENCE: Final = 10.0
"""Seconds that a request to the callback may take to arrive."""
_PAGE: Final = '<!doctype html><meta charset="utf-8"><title>alexa-props</title><p>{}</p>'
_HEAD: Final = (
    "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n"
    # The address of the page holds the code.
    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n\r\n"
)


async def consented(
    client_id: str, *, authorize_url: str, port: int, browser: bool, seconds: float
) -> tuple[Consent, Secret]:
    """Ask a person for consent, and wait for it on 127.0.0.1.

    Args:
        client_id: of the security profile.
        authorize_url: the consent page.
        port: of the callback; 0 takes a free one.
        browser: whether to open the page; else its address is printed.
        seconds: how long to wait.

    Returns:
        What was asked, and the code that came for it.

    Raises:
        AuthenticationError: consent was refused, or nobody answered in time.
        ConfigurationError: the port is taken, or an argument is out of range.

    """
    async with await _listen(port) as listener:
        consent = Consent.ask(
            client_id=client_id,
            redirect_uri=f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}{_PATH}",  # noqa: S610 - a port
            authorize_url=authorize_url,
        )
        if browser:
            note(f"opening the consent page in the browser; if it does not open, go to {consent.url}")
        else:
            sys.stdout.write(f"{consent.url}\n")
            sys.stdout.flush()
        return consent, await _answer(listener, consent, seconds, browser=browser)


async def _listen(port: int) -> MultiListener[SocketStream]:
    try:
        return await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror or error}; "
            f"choose another --port, and allow http://127.0.0.1:PORT{_PATH} in the security profile"
        ) from None


async def _answer(listener: MultiListener[SocketStream], consent: Consent, seconds: float, *, browser: bool) -> Secret:
    """The code that the browser brings; raises `AuthenticationError` if it brings none in time."""
    outcome: list[Secret | AuthenticationError] = []
    strays = _Strays()

    async def serve(stream: SocketStream) -> None:
        async with stream:
            answer = await _hear(stream, consent, strays)
        if answer is not None:
            outcome.append(answer)
            limit.cancel()

    async with anyio.create_task_group() as tasks:
        if browser:
            tasks.start_soon(_open, consent.url)
        with anyio.move_on_after(seconds) as limit:
            await listener.serve(serve)
        tasks.cancel_scope.cancel()
    if not outcome:
        raise AuthenticationError(f"nobody consented within {seconds:g} s: run it again, or with a longer --timeout")
    if isinstance(outcome[0], AuthenticationError):
        raise outcome[0]
    return outcome[0]


class _Strays:
    """Pages of other logins, reported once: a browser may reload one again and again."""

    def __init__(self) -> None:
        self._said = False

    def note(self) -> None:
        """Report the first one."""
        if not self._said:
            self._said = True
            note("a page came back that belongs to another login, and was refused; this one still waits")


async def _hear(stream: SocketStream, consent: Consent, strays: _Strays) -> Secret | AuthenticationError | None:
    """The outcome that one request brings; None if it is not about this login."""
    try:
        with anyio.fail_after(_PATIENCE):
            head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", _LARGEST)
            status, page, outcome = _judge(head, consent, strays)
            body = _PAGE.format(page).encode()
            await stream.send(_HEAD.format(status=status, length=len(body)).encode() + body)
    except (TimeoutError, anyio.IncompleteRead, anyio.DelimiterNotFound, anyio.BrokenResourceError):
        # Nobody was there: browsers open connections that they may need later.
        return None
    return outcome


def _judge(head: bytes, consent: Consent, strays: _Strays) -> tuple[str, str, Secret | AuthenticationError | None]:
    """Status, words and outcome for a request."""
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path, _, query = rest.partition(" ")[0].partition("?")
    if method != "GET" or path != _PATH:
        return "404 Not Found", "There is nothing here.", None
    if not consent.is_answer(query):
        strays.note()
        return "400 Bad Request", "This page belongs to another login: go back to the latest one.", None
    try:
        code = consent.code(query)
    except AuthenticationError as error:
        return "200 OK", "There was no consent. The terminal says more.", error
    return "200 OK", "Consent was given. You can close this window and go back to the terminal.", code


async def _open(url: str) -> None:
    # In a thread: a browser of the terminal's own ends when its user leaves it.
    if not await anyio.to_thread.run_sync(webbrowser.open, url, abandon_on_cancel=True):
        note("no browser could be opened")
