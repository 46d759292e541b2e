"""The peers' virtual environment: made on the first run, and again when what it should hold has changed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import ROOT, say

_HOME: Final = Path(__file__).resolve().parent / ".venv"
_REQUIREMENTS: Final = Path(__file__).resolve().parent / "requirements.txt"
_SHOWN: Final = (
    "alexa-props",
    "aiohttp",
    "httpx",
    "anyio",
    "attrs",
    "cattrs",
    "aiobotocore",
    "botocore",
    "aiolimiter",
    "aiometer",
    "aiostream",
    "redis",
)


def interpreter() -> str:
    """The interpreter of the peers' environment, which also holds the project, editable."""
    python = _HOME / ("Scripts" if os.name == "nt" else "bin") / "python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    made_for = "\n".join((sys.version, _REQUIREMENTS.read_text(), project["version"], *project["dependencies"]))
    digest, stamp = hashlib.sha256(made_for.encode()).hexdigest(), _HOME / "made-for"
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return str(python)
    say("making the peers' environment in benchmarks/.venv (once, about a minute) …")
    venv.create(_HOME, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Standard output is for results.
    subprocess.run([*install, "-r", str(_REQUIREMENTS), "-e", "."], cwd=ROOT, check=True, stdout=sys.stderr)  # noqa: S603
    stamp.write_text(digest)
    return str(python)


def versions() -> dict[str, Any]:
    """Versions of what is compared, as the interpreter that runs this has them."""
    found = {"Python": platform.python_version()}
    for name in _SHOWN:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, str]:
    """What all of it runs on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "CPU": model or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
    }
