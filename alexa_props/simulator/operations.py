"""Names of operations, and the patterns that stand for several of them."""

from __future__ import annotations

__all__ = ["CONSENT", "OPERATIONS", "TOKEN", "UNKNOWN", "covers", "require_known"]

TOKEN = "token"  # noqa: S105 - the name of an operation
CONSENT = "consent"
UNKNOWN = "unknown"
"""The operation of a request that matches no route."""

OPERATIONS: set[str] = {UNKNOWN}
"""The names of all operations; a route adds its own when it is registered."""


def covers(pattern: str, operation: str) -> bool:
    """Return whether a pattern includes an operation.

    Args:
        pattern: An operation's name, a group such as `"alerts.*"`, or `"*"` for every operation of both services.
            `"*"` excludes Login with Amazon, which is not one of them: use `"token"` and `"consent"`.
        operation: The name of one operation.
    """
    if pattern == "*":
        return operation not in (TOKEN, CONSENT)
    if pattern.endswith(".*"):
        return operation.startswith(pattern[:-1])
    return pattern == operation


def require_known(pattern: str) -> None:
    """Check that a pattern includes at least one operation, so that a misspelt name does not go unnoticed.

    Raises:
        TypeError: The pattern is not a string.
        ValueError: No operation has this name.
    """
    if not isinstance(pattern, str):
        raise TypeError("an operation is named by a string")
    if not any(covers(pattern, operation) for operation in OPERATIONS):
        raise ValueError(f"no operation is called {pattern!r}; the operations are {', '.join(sorted(OPERATIONS))}")
