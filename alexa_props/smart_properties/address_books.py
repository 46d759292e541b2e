"""Address books, their contacts, and the units that use them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, id_of, require_ids, require_limits, require_list
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.batch import BatchResult, batched, read_batch
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.protocol import numbered

if TYPE_CHECKING:
    from alexa_props.smart_properties.communications import CommunicationProfile

__all__ = [
    "OPERATIONS",
    "AddressBook",
    "AddressBookAssociations",
    "AddressBooks",
    "Association",
    "Contact",
    "ContactRecord",
    "Contacts",
    "PhoneNumber",
    "ProviderContact",
]

_BATCH: Final = 100
_NAME: Final = (1, 50)
_NUMBERS: Final = (1, 3)


@attrs.frozen
class AddressBook(Identified):
    """An address book. Methods that take the id of an address book take it too."""

    id_arguments = ("address_book_id",)
    id_field = "address_book_id"

    address_book_id: str
    name: str | None = None


@attrs.frozen
class PhoneNumber:
    """A phone number of a contact."""

    number: str
    """In E.164, such as "+12055551233", or an extension of a PBX."""


@attrs.frozen
class ProviderContact:
    """A contact of a WebRTC service provider."""

    id: str


def _phone_numbers(numbers: Iterable[PhoneNumber | str] | None) -> tuple[PhoneNumber, ...] | None:
    if numbers is None:
        return None
    listed: tuple[PhoneNumber | str, ...] = require_list("phone_numbers", numbers)
    return tuple(PhoneNumber(each) if isinstance(each, str) else each for each in listed)


def _profile_id(profile: str | CommunicationProfile | None) -> Any:
    return id_of("alexa_communication_profile_id", profile)


@attrs.frozen
class Contact:
    """A contact: a name, and one way to call it."""

    name: str | None = None
    """What users say to call it, 1 to 50 characters."""
    phone_numbers: tuple[PhoneNumber, ...] | None = attrs.field(default=None, converter=_phone_numbers)
    """1 to 3 numbers, also given as strings."""
    alexa_communication_profile_id: str | None = attrs.field(default=None, converter=_profile_id)
    """The communication profile of a unit, or its id. Not together with phone numbers."""
    provider_contact: ProviderContact | None = None
    """For calls over WebRTC."""


@attrs.frozen
class ContactRecord(Identified):
    """A contact in an address book. Methods that take the id of a contact take it too."""

    id_arguments = ("contact_id",)
    id_field = "contact_id"

    contact_id: str
    contact: Contact | None = None
    """None if a list has only ids; whether it has more is not documented."""


@attrs.frozen
class Association(Lenient):
    """A unit that uses an address book."""

    address_book_id: str | None = None
    unit_id: str | None = None
    """Inferred: no page shows it."""


AddressBookId: TypeAlias = str | AddressBook
ContactId: TypeAlias = str | ContactRecord

_BOOK: Final = "/v1/addressBooks/{address_book_id}"
_PAGE: Final = "address-book-api.html"
_LIMITS: Final = {"name": _NAME}
_TYPES: Final = {"name": str}
_UNIT: Final = "unit_id"

_books: Final = Group("address_books", _PAGE)
LIST: Final = _books.list("list", "/v1/addressBooks", AddressBook)
CREATE: Final = _books.post(
    "create", "/v1/addressBooks", AddressBook, required=("name",), limits=_LIMITS, types=_TYPES, check_with="list"
)
GET: Final = _books.get("get", _BOOK, AddressBook)
UPDATE: Final = _books.put("update", _BOOK, required=("name",), limits=_LIMITS, types=_TYPES)
DELETE: Final = _books.delete("delete", _BOOK)

_contacts: Final = Group("contacts", _PAGE)
LIST_CONTACTS: Final = _contacts.list("list", f"{_BOOK}/contacts", ContactRecord)
CREATE_CONTACT: Final = _contacts.post("create", f"{_BOOK}/contacts", ContactRecord, check_with="list")
CREATE_CONTACTS: Final = _contacts.post(
    "create_many", f"{_BOOK}/contacts/batch", read_batch, nullable=True, check_with="list"
)
GET_CONTACT: Final = _contacts.get("get", f"{_BOOK}/contacts/{{contact_id}}", ContactRecord, subject="contact_id")
UPDATE_CONTACT: Final = _contacts.put("update", f"{_BOOK}/contacts/{{contact_id}}", subject="contact_id")
DELETE_CONTACT: Final = _contacts.delete("delete", f"{_BOOK}/contacts/{{contact_id}}", subject="contact_id")

_associations: Final = Group("address_book_associations", _PAGE)
LIST_ASSOCIATIONS: Final = _associations.list("list", f"{_BOOK}/unitAssociations", Association)
LIST_FOR_UNIT: Final = _associations.list(
    "list_for_unit", "/v1/addressBooks/unitAssociations", Association, required=(_UNIT,)
)
ASSOCIATE: Final = _associations.post(
    "create", f"{_BOOK}/unitAssociations", required=(_UNIT,), subject=_UNIT, check_with="list_for_unit"
)
ASSOCIATE_MANY: Final = _associations.post(
    "create_many", f"{_BOOK}/unitAssociations/batch", read_batch, nullable=True, check_with="list"
)
DISSOCIATE: Final = _associations.delete("delete", f"{_BOOK}/unitAssociations", required=(_UNIT,), subject=_UNIT)
OPERATIONS: Final = (*_books.operations, *_contacts.operations, *_associations.operations)


class AddressBooks(Resource):
    """Create, read, rename and delete address books.

        book_id = await asp.address_books.create("Front desk")
        await asp.contacts.create(book_id, Contact("Reception", phone_numbers=["+12055551233"]))
        await asp.address_book_associations.create(book_id, unit_id)

    Guests can call the contacts of the address books that are associated with their unit.
    """

    def list(self, *, page_size: int | None = None) -> Pager[AddressBook]:
        """List the address books of the organization."""
        return self._pager(LIST, page_size=page_size)

    async def create(self, name: str) -> str:
        """Create an address book and return its id. The name has 1 to 50 characters and need not be unique.

        Raises:
            Forbidden: Among others, the organization has as many address books as it may have.
        """
        return (await self._call(CREATE, name=name)).address_book_id

    async def get(self, address_book_id: AddressBookId) -> AddressBook:
        """Return an address book, without its contacts."""
        return await self._call(GET, address_book_id=address_book_id)

    async def update(self, address_book_id: AddressBookId, name: str) -> None:
        """Rename an address book. The name has 1 to 50 characters."""
        await self._call(UPDATE, address_book_id=address_book_id, name=name)

    async def delete(self, address_book_id: AddressBookId) -> None:
        """Delete an address book. Delete its associations first: whether they may remain is not documented."""
        await self._call(DELETE, address_book_id=address_book_id)


class Contacts(Resource):
    """Create, read, change and delete the contacts of an address book, up to 2,000 in each.

        contacts = [Contact("Spa", phone_numbers=["+12055551234"]), Contact("Bar", phone_numbers=["+12055551235"])]
        await asp.contacts.create_many(address_book_id, contacts)
        names = {record.contact_id: record.contact async for record in asp.contacts.list(address_book_id)}

    The service also deletes the contacts of a communication profile that is deleted.
    """

    def list(self, address_book_id: AddressBookId, *, page_size: int | None = None) -> Pager[ContactRecord]:
        """List the contacts of an address book."""
        return self._pager(LIST_CONTACTS, address_book_id=address_book_id, page_size=page_size)

    async def create(self, address_book_id: AddressBookId, contact: Contact) -> str:
        """Create a contact and return its id. Names need not be unique: a second call creates a second contact."""
        sent = _checked("contact", contact)
        return (await self._call(CREATE_CONTACT, address_book_id=address_book_id, contact=sent)).contact_id

    @batched(_BATCH)
    async def create_many(self, address_book_id: AddressBookId, contacts: Iterable[Contact]) -> BatchResult:
        """Create up to 100 contacts. List the contacts for their ids: what the response has is not documented."""
        listed: tuple[Contact, ...] = require_list("contacts", contacts, 1, _BATCH)
        sent = [{"contact": _checked(f"contacts[{number}]", each)} for number, each in enumerate(listed)]
        items = numbered("contacts", sent)
        return await self._call(CREATE_CONTACTS, address_book_id=address_book_id, items=items) or BatchResult()

    async def get(self, address_book_id: AddressBookId, contact_id: ContactId) -> ContactRecord:
        """Return a contact."""
        return await self._call(GET_CONTACT, address_book_id=address_book_id, contact_id=contact_id)

    async def update(self, address_book_id: AddressBookId, contact_id: ContactId, contact: Contact) -> None:
        """Replace a contact as a whole: what the new one lacks is removed."""
        sent = _checked("contact", contact)
        await self._call(UPDATE_CONTACT, address_book_id=address_book_id, contact_id=contact_id, contact=sent)

    async def delete(self, address_book_id: AddressBookId, contact_id: ContactId) -> None:
        """Delete a contact."""
        await self._call(DELETE_CONTACT, address_book_id=address_book_id, contact_id=contact_id)


class AddressBookAssociations(Resource):
    """Associate address books with units: up to 10 books with a unit, and up to 2,500 units with a book.

        await asp.address_book_associations.create_many(address_book_id, [unit_id])
        books = [each.address_book_id async for each in asp.address_book_associations.list_for_unit(unit_id)]
        await asp.address_book_associations.delete(address_book_id, unit_id)

    A unit with associations cannot be deleted. Whether a second association of the same book and unit is refused is
    not documented: list them first.
    """

    def list(
        self, address_book_id: AddressBookId, *, unit_id: UnitId | None = None, page_size: int | None = None
    ) -> Pager[Association]:
        """List the units that use an address book, with `unit_id` only that one."""
        ids = {"address_book_id": address_book_id, "unit_id": unit_id}
        return self._pager(LIST_ASSOCIATIONS, **ids, page_size=page_size, subject=id_of("unit_id", unit_id))

    def list_for_unit(self, unit_id: UnitId, *, page_size: int | None = None) -> Pager[Association]:
        """List the address books that a unit uses."""
        return self._pager(LIST_FOR_UNIT, unit_id=unit_id, page_size=page_size)

    async def create(self, address_book_id: AddressBookId, unit_id: UnitId) -> None:
        """Associate an address book with a unit."""
        await self._call(ASSOCIATE, address_book_id=address_book_id, unit_id=unit_id)

    @batched(_BATCH)
    async def create_many(self, address_book_id: AddressBookId, unit_ids: Iterable[UnitId]) -> BatchResult:
        """Associate an address book with up to 100 units."""
        items = numbered("unit_ids", [{"unitId": each} for each in require_ids("unit_ids", unit_ids)], _BATCH)
        return await self._call(ASSOCIATE_MANY, address_book_id=address_book_id, items=items) or BatchResult()

    async def delete(self, address_book_id: AddressBookId, unit_id: UnitId) -> None:
        """End the association of an address book with a unit. The book and its contacts stay."""
        await self._call(DISSOCIATE, address_book_id=address_book_id, unit_id=unit_id)


def _checked(argument: str, contact: Contact) -> Contact:
    """Return a contact that can be sent; raises `ConfigurationError` for one outside of the documented limits."""
    if not isinstance(contact, Contact):
        raise ConfigurationError(f"{argument} must be of type Contact, not {type(contact).__name__}")
    if not isinstance(contact.name, str):
        raise ConfigurationError(f"{argument}.name must be a string, not {contact.name!r:.80}")
    require_limits(f"{argument}.name", contact.name, *_NAME)
    numbers, profile_id = contact.phone_numbers, contact.alexa_communication_profile_id
    if numbers is not None:
        require_limits(f"{argument}.phone_numbers", numbers, *_NUMBERS)
        if profile_id is not None:
            raise ConfigurationError(f"{argument} must have phone_numbers or alexa_communication_profile_id, not both")
    elif profile_id is None and contact.provider_contact is None:
        raise ConfigurationError(f"{argument} needs phone_numbers, alexa_communication_profile_id or provider_contact")
    return contact
