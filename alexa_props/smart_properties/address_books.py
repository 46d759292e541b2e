"""Create, read, rename and delete address books."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "AddressBookAssociations", "AddressBooks", "Contacts"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class AddressBooks(Resource):
    """Create, read, rename and delete address books."""


class Contacts(Resource):
    """Create, read, change and delete the contacts of an address book."""


class AddressBookAssociations(Resource):
    """Associate address books with units."""
