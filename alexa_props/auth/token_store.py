"""Where a refresh token lives between processes, if the server rotates it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["TokenStore"]


class TokenStore(Protocol):
    """Keeps the refresh token. Both methods may do what they want, and may be called from one task at a time.

    Processes may share what it keeps. Neither method may take longer than 10 s.
    """

    async def load(self) -> str | None:
        """The refresh token to use; None to use the one that `LoginWithAmazon` was given."""
        ...

    async def save(self, refresh_token: str) -> None:
        """Keep a new refresh token. It is used only after this has returned."""
        ...
