"""Connections to a Redis or Valkey server: those of a given client, or separate ones to the server of a URL."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.parse
from typing import Any

from alexa_props.errors import ConfigurationError
from alexa_props.secret import Secret

__all__ = ["Connections", "GivenClient", "address_of", "reason_of"]


class GivenClient:
    """The connections of a client that the user has made."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def __call__(self, *command: str | bytes | int) -> list[Any]:
        """Send a command, and return its response."""
        # Records are bytes, also for a client that decodes strings.
        response: list[Any] = await self._client.execute_command(*command, NEVER_DECODE=True)
        return response

    async def reset(self) -> None:
        """Leave the connections to the client."""

    async def aclose(self) -> None:
        """Leave the connections to the client."""


class Connections:
    """Connections to the server of a URL.

    redis-py's pool takes as much CPU time as the rest of an update, and its clients retry by their own rules.
    """

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._idle: list[Any] = []
        self._closed = False

    async def __call__(self, *command: str | bytes | int) -> list[Any]:
        """Send a command, and return its response."""
        from redis.exceptions import ResponseError  # late, as an optional dependency

        connection = await self._take()
        try:
            await connection.send_command(*command)  # connects if necessary
            response: list[Any] = await connection.read_response(disable_decoding=True)
        except ResponseError:
            await self._put(connection)
            raise
        except BaseException:  # a response may arrive that nobody would read
            await connection.disconnect(nowait=True)
            raise
        await self._put(connection)
        return response

    async def reset(self) -> None:
        """Connect again for the next update: by then the address may be of another server."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)

    async def aclose(self) -> None:
        """Close the idle connections now, and those in use after their response."""
        self._closed = True
        await self.reset()
        await asyncio.sleep(0)  # the event loop closes their sockets

    async def _take(self) -> Any:
        from redis.exceptions import RedisError  # late, as an optional dependency

        while self._idle:
            connection = self._idle.pop()
            # Renamed in redis-py 8.
            can_read = getattr(connection, "can_read", None) or connection.can_read_destructive
            with contextlib.suppress(RedisError, OSError):
                if not await can_read():
                    return connection
            await connection.disconnect(nowait=True)  # the server has closed it
        return _connection(self._url)

    async def _put(self, connection: Any) -> None:
        if self._closed:
            await connection.disconnect(nowait=True)
        else:
            self._idle.append(connection)


def _connection(url: Secret) -> Any:
    """Return a connection that is not connected yet."""
    from redis.asyncio.connection import Connection, parse_url  # late, as an optional dependency

    options: dict[str, Any] = {
        **parse_url(url.reveal()),
        # Time limits and retries are those of the update.
        "socket_timeout": None,
        "socket_connect_timeout": None,
        "health_check_interval": 0,
        "decode_responses": False,
        "protocol": 2,
    }
    return options.pop("connection_class", Connection)(**options)


def address_of(url: Secret) -> str:
    """Return the server of a URL without its password.

    Raises:
        ConfigurationError: The URL is invalid. The message does not contain it, because it may hold a password.

    """
    with contextlib.suppress(ValueError, TypeError, OSError):
        _connection(url)
        return _server_of(url)
    # Outside the handler: the error and its frames hold the URL.
    raise ConfigurationError(
        "the URL of the Redis server is invalid: write rediss://user:password@host:6379/0, with the password "
        "percent-encoded and only options that redis-py knows"
    )


def _server_of(url: Secret) -> str:
    parts = urllib.parse.urlsplit(url.reveal())
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def reason_of(error: Exception) -> str:
    """Return the text of an error of redis-py or the network, without the arguments of a command."""
    from redis.exceptions import AuthenticationError  # late, as an optional dependency

    # A response about an unknown command repeats its arguments.
    text = str(error).partition(", with args")[0].rstrip(".")
    if isinstance(error, AuthenticationError):
        return f"the server refused the user name or the password: {text}"
    return f"{type(error).__name__}: {text}"
