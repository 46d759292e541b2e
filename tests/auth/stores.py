"""A token store in memory, and a token endpoint that accepts only the latest refresh token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio.lowlevel
import attrs
import httpx

from tests.helpers import Amazon, answer


@attrs.define
class Store:
    """A token store in memory, with hooks around the moments at which it reads and writes."""

    stored: str | None = None
    loads: int = 0
    saved: list[str] = attrs.field(factory=list)
    before_load: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
    before_save: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
    after_save: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint

    async def load(self) -> str | None:
        await self.before_load()
        self.loads += 1
        return self.stored

    async def save(self, refresh_token: str) -> None:
        await self.before_save()
        self.stored = refresh_token
        self.saved.append(refresh_token)
        await self.after_save()


class Strict(Amazon):
    """Rotates the refresh token with every grant, and accepts only the latest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.rotate = True
        self.latest = "Atzr|secret-refresh"

    def _give(self, request: httpx.Request) -> httpx.Response:
        if f"refresh_token={self.latest.replace('|', '%7C')}&" not in request.content.decode():
            return answer(400, {"error": "invalid_grant", "error_description": "The refresh token is dead."})
        grant = super()._give(request)
        self.latest = grant.json()["refresh_token"]
        return grant


def failures(results: list[Any]) -> list[Any]:
    return [result for result in results if isinstance(result, Exception)]
