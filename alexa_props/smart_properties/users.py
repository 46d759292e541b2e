"""Create, list and delete users of the organization."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "Users"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class Users(Resource):
    """Create, list and delete users of the organization."""
