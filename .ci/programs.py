"""Write the Python blocks of the README and of docs/ to a folder, for type checkers."""

# A script, which is not imported.
# ruff: noqa: INP001

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(folder: str) -> None:
    """Write a file for each title. Blocks with the same title are the cells of one notebook."""
    programs: dict[str, str] = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for title, code in re.findall(r"^```python\n# (.+?)\n(.+?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            programs[title] = programs.get(title, "") + code
    for title, code in programs.items():
        # A prefix: "logging.py" would hide the module of that name.
        Path(folder, f"program_{re.sub(r'[^a-z]', '_', title)}.py").write_text(_importable(code))


def _importable(code: str) -> str:
    """Return code that awaits at the top, as notebooks allow, inside a function."""
    try:
        compile(code, "docs", "exec")
    except SyntaxError:
        return f"async def main() -> None:\n{textwrap.indent(code, '    ')}"
    return code


if __name__ == "__main__":
    main(*sys.argv[1:])
