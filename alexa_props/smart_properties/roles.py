"""Read the roles of units."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "RoleAssignments", "Roles"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class Roles(Resource):
    """Read the roles of units."""


class RoleAssignments(Resource):
    """Assign roles to principals, and revoke them."""
