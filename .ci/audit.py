"""Looks for known vulnerabilities in what a requirements file pins: `python .ci/audit.py PIP_AUDIT REQUIREMENTS`.

pip-audit says "No known vulnerabilities found" also where the index knows none because it has no such service: it then
skips every package. Here that is "not audited", and so is a service that cannot be reached. Neither fails, for a
machine without it would never pass; a vulnerability does.
"""

# A script, which says what it finds.
# ruff: noqa: INP001, T201

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SERVICES = ("pypi", "osv")
LIMIT = 120
"""Seconds for all packages."""


def ask(pip_audit: str, service: str, requirements: list[str]) -> tuple[list[dict[str, Any]], str]:
    """What a service says about each package, and why it says nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        command = [pip_audit, "-s", service, "-r", file.name, "--no-deps", "--disable-pip", "-f", "json"]
        command += ["--progress-spinner", "off"]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT)  # noqa: S603 - our own
        except subprocess.TimeoutExpired:
            return [], f"no answer within {LIMIT} s"
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], (done.stderr.strip() or f"pip-audit ended with {done.returncode}").splitlines()[-1]
    skipped = [each["skip_reason"] for each in found if "skip_reason" in each]
    return found, skipped[0] if skipped else ""


def main(pip_audit: str, path: str) -> int:
    """Audit, say what came of it, and give the exit status."""
    requirements = [line for line in Path(path).read_text(encoding="utf-8").splitlines() if "==" in line]
    reasons = []
    for service in SERVICES:
        # One package that every index has tells whether there is anybody to ask.
        probe, reason = ask(pip_audit, service, [line for line in requirements if line.startswith("httpx==")])
        found, reason = ask(pip_audit, service, requirements) if probe and not reason else (probe, reason)
        asked = [each for each in found if "skip_reason" not in each]
        if not asked:
            reasons.append(f"{service}: {reason}")
            continue
        ill = [(each, vulnerability) for each in asked for vulnerability in each["vulns"]]
        for each, vulnerability in ill:
            better = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            print(f"VULNERABLE: {each['name']} {each['version']}: {vulnerability['id']}, mended in {better}")
        for each in found:
            if "skip_reason" in each:
                print(f"NOT AUDITED: {each['skip_reason']}")
        print(f"audited by {service}: {len(asked)} of {len(requirements)} packages, {len(ill)} known vulnerabilities")
        return 1 if ill else 0
    print("NOT AUDITED, nobody could be asked. " + "; ".join(reason[:200] for reason in reasons))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
