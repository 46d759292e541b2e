"""What has to be in a wheel and in an sdist, and what must not: `python .ci/contents.py WHEEL SDIST`."""

# A script, which says what it finds.
# ruff: noqa: INP001, T201

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("README.md", "LICENSE", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml")
FOLDERS = ("alexa_props", "benchmarks", "docs", "examples", "tests")
STRAY = ("__pycache__", ".venv", ".pyc", ".journal", ".coverage", ".hypothesis", ".egg-info")


def modules() -> set[str]:
    """The files of the package, as they are in the checkout."""
    found = (path for path in (ROOT / "alexa_props").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found}


def wrong_in_wheel(names: set[str]) -> list[str]:
    """What a wheel lacks or has too much: it is the package and its metadata, and nothing else."""
    strangers = [name for name in names if not name.startswith("alexa_props/") and ".dist-info/" not in name]
    lost = [name for name in modules() if name not in names]
    licence = [] if any(name.endswith("licenses/LICENSE") for name in names) else ["the licence"]
    return [f"stray: {name}" for name in strangers] + [f"missing: {name}" for name in lost + licence]


def wrong_in_sdist(names: set[str]) -> list[str]:
    """What an sdist lacks: the tests, the documents and all that they need are in it."""
    lost = [name for name in (*NEEDED, *modules()) if name not in names]
    return [f"missing: {name}" for name in lost] + [
        f"missing: {folder}/"
        for folder in FOLDERS
        if (ROOT / folder).is_dir() and not any(name.startswith(f"{folder}/") for name in names)
    ]


def main(wheel: str, sdist: str) -> int:
    """Look into both, say what is wrong, and give the exit status."""
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as source:
        # All of it is in one folder, which has the name and the version.
        in_sdist = {member.name.partition("/")[2] for member in source.getmembers() if member.isfile()}
    wrong = [f"wheel, {each}" for each in wrong_in_wheel(in_wheel)]
    wrong += [f"sdist, {each}" for each in wrong_in_sdist(in_sdist)]
    for names in (in_wheel, in_sdist):
        wrong += [f"stray: {name}" for name in names if any(stray in name for stray in STRAY)]
    print("\n".join(sorted(wrong)) or f"wheel: {len(in_wheel)} files, sdist: {len(in_sdist)} files")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
