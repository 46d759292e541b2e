"""The wire of address books, their contacts and their associations."""

from __future__ import annotations

from alexa_props.simulator.smart_properties.address_books import ADDRESS_BOOKS, CONTACTS
from alexa_props.smart_properties.address_books import (
    AddressBook,
    Association,
    Contact,
    ContactRecord,
    PhoneNumber,
    ProviderContact,
)
from alexa_props.smart_properties.batch import BatchItem, BatchResult
from tests.wire.row import LAST_PAGE, Wire

IDS = {
    "address_book": lambda sim: ADDRESS_BOOKS.ids(sim)[0],
    "contact": lambda sim: CONTACTS.ids(sim, ADDRESS_BOOKS.ids(sim)[0])[0],
    # An address book that no unit uses, to be deleted.
    "unused_book": lambda sim: ADDRESS_BOOKS.ids(sim)[-1],
}
MODELS = {
    "address_book": AddressBook("address-book-1"),
    "contact": ContactRecord("contact-1"),
    "unused_book": AddressBook("unused-book-1"),
}


def _room(profile_id: str) -> Contact:
    return Contact("Zimmer 101 🛏", alexa_communication_profile_id=profile_id)


PROFILE = "profile-1"
DESK = Contact("Front desk", phone_numbers=["+12055551233", PhoneNumber("7201")])
DESK_JSON = {"name": "Front desk", "phoneNumbers": [{"number": "+12055551233"}, {"number": "7201"}]}
ROOM = _room(PROFILE)
ROOM_JSON = {"name": "Zimmer 101 🛏", "alexaCommunicationProfileId": PROFILE}
NURSE = Contact("Nurse", provider_contact=ProviderContact("7201"))
NURSE_JSON = {"name": "Nurse", "providerContact": {"id": "7201"}}

WIRE = {
    "address_books.list": Wire(
        lambda on: on.asp.address_books.list(),
        "GET /v1/addressBooks",
        response={"results": [{"addressBookId": "a", "name": "Spa"}, {"addressBookId": "b"}], **LAST_PAGE},
        result=[AddressBook("a", name="Spa"), AddressBook("b")],
    ),
    "address_books.list, with every argument": Wire(
        lambda on: on.asp.address_books.list(page_size=100),
        "GET /v1/addressBooks?maxResults=100",
        response={"results": []},
        result=[],
    ),
    "address_books.create": Wire(
        lambda on: on.asp.address_books.create("Reception"),
        "POST /v1/addressBooks",
        body={"name": "Reception"},
        idempotent=False,
        response={"addressBookId": "new"},
        result="new",
    ),
    "address_books.get": Wire(
        lambda on: on.asp.address_books.get(on.address_book),
        "GET /v1/addressBooks/address-book-1",
        response={"addressBookId": "address-book-1", "name": "Spa"},
        result=AddressBook("address-book-1", name="Spa"),
    ),
    "address_books.update": Wire(
        lambda on: on.asp.address_books.update(on.address_book, "Front desk"),
        "PUT /v1/addressBooks/address-book-1",
        body={"name": "Front desk"},
    ),
    "contacts.list": Wire(
        lambda on: on.asp.contacts.list(on.address_book),
        "GET /v1/addressBooks/address-book-1/contacts",
        response={"results": [{"contactId": "a"}, {"contactId": "b", "contact": ROOM_JSON}], **LAST_PAGE},
        result=[ContactRecord("a"), ContactRecord("b", ROOM)],
    ),
    "contacts.list, with every argument": Wire(
        lambda on: on.asp.contacts.list(on.address_book, page_size=100),
        "GET /v1/addressBooks/address-book-1/contacts?maxResults=100",
        response={"results": []},
        result=[],
    ),
    "contacts.create": Wire(
        lambda on: on.asp.contacts.create(on.address_book, DESK),
        "POST /v1/addressBooks/address-book-1/contacts",
        body={"contact": DESK_JSON},
        idempotent=False,
        response={"contactId": "new"},
        result="new",
    ),
    "contacts.create, of a WebRTC service provider": Wire(
        lambda on: on.asp.contacts.create(on.address_book, NURSE),
        "POST /v1/addressBooks/address-book-1/contacts",
        body={"contact": NURSE_JSON},
        idempotent=False,
        response={"contactId": "new"},
        result="new",
    ),
    "contacts.create_many": Wire(
        lambda on: on.asp.contacts.create_many(on.address_book, [DESK, _room(on.profile)]),
        "POST /v1/addressBooks/address-book-1/contacts/batch",
        body={"items": [{"itemId": 0, "contact": DESK_JSON}, {"itemId": 1, "contact": ROOM_JSON}]},
        idempotent=False,
        response={"results": [{"itemId": 0, "status": 201}]},
        result=BatchResult((BatchItem("0", "201"),)),
    ),
    "contacts.get": Wire(
        lambda on: on.asp.contacts.get(on.address_book, on.contact),
        "GET /v1/addressBooks/address-book-1/contacts/contact-1",
        response={"contactId": "contact-1", "contact": NURSE_JSON},
        result=ContactRecord("contact-1", NURSE),
    ),
    "contacts.update": Wire(
        lambda on: on.asp.contacts.update(on.address_book, on.contact, DESK),
        "PUT /v1/addressBooks/address-book-1/contacts/contact-1",
        body={"contact": DESK_JSON},
    ),
    "contacts.delete": Wire(
        lambda on: on.asp.contacts.delete(on.address_book, on.contact),
        "DELETE /v1/addressBooks/address-book-1/contacts/contact-1",
    ),
    "address_book_associations.list": Wire(
        lambda on: on.asp.address_book_associations.list(on.address_book),
        "GET /v1/addressBooks/address-book-1/unitAssociations",
        response={"results": [{"addressBookId": "address-book-1", "unitId": "a"}], **LAST_PAGE},
        result=[Association("address-book-1", "a")],
    ),
    "address_book_associations.list, with every argument": Wire(
        lambda on: on.asp.address_book_associations.list(on.address_book, unit_id=on.room, page_size=5),
        "GET /v1/addressBooks/address-book-1/unitAssociations?unitId=room-1&maxResults=5",
        response={"results": []},
        result=[],
    ),
    "address_book_associations.list_for_unit": Wire(
        lambda on: on.asp.address_book_associations.list_for_unit(on.room),
        "GET /v1/addressBooks/unitAssociations?unitId=room-1",
        response={"results": [{"addressBookId": "a"}, {"addressBookId": "b"}], **LAST_PAGE},
        result=[Association("a"), Association("b")],
    ),
    "address_book_associations.list_for_unit, with every argument": Wire(
        lambda on: on.asp.address_book_associations.list_for_unit(on.room, page_size=5),
        "GET /v1/addressBooks/unitAssociations?unitId=room-1&maxResults=5",
        response={"results": []},
        result=[],
    ),
    "address_book_associations.create": Wire(
        lambda on: on.asp.address_book_associations.create(on.address_book, on.room),
        "POST /v1/addressBooks/address-book-1/unitAssociations",
        body={"unitId": "room-1"},
        idempotent=False,
    ),
    "address_book_associations.create_many": Wire(
        lambda on: on.asp.address_book_associations.create_many(on.address_book, [on.organization, on.room]),
        "POST /v1/addressBooks/address-book-1/unitAssociations/batch",
        body={"items": [{"itemId": 0, "unitId": "organization-1"}, {"itemId": 1, "unitId": "room-1"}]},
        idempotent=False,
        response={"errors": [{"itemId": "1", "code": "BAD_REQUEST", "message": "no"}]},
        result=BatchResult((BatchItem("1", code="BAD_REQUEST", message="no", failed=True),)),
    ),
    "address_book_associations.delete": Wire(
        lambda on: on.asp.address_book_associations.delete(on.address_book, on.organization),
        "DELETE /v1/addressBooks/address-book-1/unitAssociations?unitId=organization-1",
    ),
    "address_books.delete": Wire(
        lambda on: on.asp.address_books.delete(on.unused_book), "DELETE /v1/addressBooks/unused-book-1"
    ),
}
