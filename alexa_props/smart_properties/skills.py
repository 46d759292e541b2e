"""Enable and disable skills for units."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "Skills"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class Skills(Resource):
    """Enable and disable skills for units."""
