"""Create, read, change and delete certificate authorities for enterprise Wi-Fi."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "CertificateAuthorities"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class CertificateAuthorities(Resource):
    """Create, read, change and delete certificate authorities for enterprise Wi-Fi."""
