"""Create, read, change and delete communication service providers (WebRTC)."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "AccountAssociations", "NetworkMappings", "ServiceProviders"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class ServiceProviders(Resource):
    """Create, read, change and delete communication service providers (WebRTC)."""


class NetworkMappings(Resource):
    """Map the network of a communication service provider."""


class AccountAssociations(Resource):
    """Associate external users with communication profiles."""
