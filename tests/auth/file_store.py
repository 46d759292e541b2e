"""A token store in a file, which processes share. It imports little, as child processes use it."""

from __future__ import annotations

from pathlib import Path

import attrs


@attrs.frozen
class FileStore:
    """The store of docs/credentials.md: two methods without a lock."""

    path: Path

    async def load(self) -> str | None:
        return self.path.read_text() if self.path.exists() else None

    async def save(self, refresh_token: str) -> None:
        self.path.write_text(refresh_token)
