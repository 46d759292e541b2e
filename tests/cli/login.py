"""What the tests of logins share: the options, and a browser."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable

import httpx
import pytest

from tests.cli.service import Service

__all__ = ["login_options", "play_browser"]


def login_options(service: Service, *more: str) -> list[str]:
    """Return the arguments of a login at the simulator."""
    base_url = service.facts["base_url"]
    return [
        *("login", "--client-id", service.facts["client_id"], "--authorize-url", f"{base_url}/ap/oa", "--port", "0"),
        *("--token-url", service.facts["token_url"], "--base-url", base_url, *more),
    ]


def consent(url: str) -> None:
    """Open the page, and follow it to the callback."""
    httpx.get(url, follow_redirects=True)


def play_browser(monkeypatch: pytest.MonkeyPatch, browse: Callable[[str], object] = consent) -> None:
    """Open consent pages with a function instead of a browser. What it raises is raised by the command."""

    def browser(url: str) -> bool:
        browse(url)
        return True

    monkeypatch.setattr(webbrowser, "open", browser)
