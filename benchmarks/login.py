"""A service whose refresh tokens are good once: `python -m benchmarks.login FOLDER PORT TOKEN_PORT`.

The token endpoint accepts the refresh token that it issued last, and no other; it decides when a request arrives, and
responds 0.3 s later. The file `revoke` withdraws all access tokens; the file `lose` makes it rotate the refresh token
as if a response had been lost. It deletes them when it has done so.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.parse
from pathlib import Path
from typing import Any, Final

from benchmarks.answers import TOKEN_PATH
from benchmarks.fallback import Answer, Connection

_TAKES: Final = 0.3
_FIRST: Final = "Atzr|made-up"


def answers(folder: Path) -> Answer:
    """What decides on an answer: path, headers and body in, status and body out."""
    station = (folder / "files" / "station.json").read_bytes()
    current, issued, valid = _FIRST, 0, set[str]()

    def answer(path: bytes, headers: dict[bytes, bytes], body: bytes) -> tuple[int, bytes]:
        nonlocal current, issued
        if _asked(folder / "revoke"):
            valid.clear()
        if _asked(folder / "lose"):
            current = "Atzr|lost"
        if path != TOKEN_PATH.encode():
            known = headers.get(b"authorization", b"").removeprefix(b"Bearer ").decode() in valid
            return (200, station) if known else (401, b'{"message": "the token was revoked"}')
        form = urllib.parse.parse_qs(body.decode())
        if form["refresh_token"] != [current]:
            return 400, b'{"error": "invalid_grant"}'
        issued += 1
        current = f"{_FIRST}-{issued}"
        tokens: dict[str, Any] = {"access_token": f"Atza|made-up-{issued}", "refresh_token": current}
        valid.add(tokens["access_token"])
        return 200, json.dumps(tokens | {"token_type": "bearer", "expires_in": 3600}).encode()

    return answer


def _asked(flag: Path) -> bool:
    if not flag.exists():
        return False
    flag.unlink()
    return True


async def main(folder: Path, port: int, token_port: int) -> None:
    """Serve until terminated."""
    answer, loop = answers(folder), asyncio.get_running_loop()
    with (folder / "access.log").open("w", buffering=1) as log:
        for number, takes in ((port, 0.0), (token_port, _TAKES)):
            await loop.create_server(
                lambda takes=takes: Connection(answer, log.write, takes),  # type: ignore[misc]
                "127.0.0.1",
                number,
                backlog=4096,
            )
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
