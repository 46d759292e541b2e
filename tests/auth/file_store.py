"""A token store on a file, which processes share."""

from __future__ import annotations

from pathlib import Path

import attrs


@attrs.frozen
class FileStore:
    """As the README says: two methods, and nothing that locks."""

    path: Path

    async def load(self) -> str | None:
        return self.path.read_text() if self.path.exists() else None

    async def save(self, refresh_token: str) -> None:
        self.path.write_text(refresh_token)
