"""Create, read, change and delete the communication profiles of units."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "BlockingRules", "CommunicationProfiles", "DropInPreferences", "ReciprocalAssociations"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class CommunicationProfiles(Resource):
    """Create, read, change and delete the communication profiles of units."""


class ReciprocalAssociations(Resource):
    """Let two communication profiles call each other."""


class DropInPreferences(Resource):
    """Read and set from whom a communication profile accepts Drop In."""


class BlockingRules(Resource):
    """Read and set the contacts that a communication profile blocks."""
