"""The version of the installed package."""

from __future__ import annotations

__all__ = ["installed_version"]


def installed_version() -> str:
    """Return the version of this package; "unknown" if it was copied or bundled without its metadata."""
    from importlib.metadata import PackageNotFoundError, version  # here, because it takes 10 ms

    try:
        return version("alexa-props")
    except PackageNotFoundError:
        return "unknown"
