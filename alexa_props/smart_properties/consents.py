"""Read and reset the consents that guests gave in a unit."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "Consents"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class Consents(Resource):
    """Read and reset the consents that guests gave in a unit."""
