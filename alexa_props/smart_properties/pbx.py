"""Create, read, change and delete SIP trunks to a private branch exchange."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "ExtensionMappings", "SipTrunks"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class SipTrunks(Resource):
    """Create, read, change and delete SIP trunks to a private branch exchange."""


class ExtensionMappings(Resource):
    """Map extensions of a SIP trunk to units."""
