"""Contacts and batches that are refused before anything is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alexa_props import SmartProperties, errors
from alexa_props.smart_properties.address_books import Contact, ContactRecord, PhoneNumber, ProviderContact
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, answer, smart_properties

NUMBERS = ["+12055551233"]
SPA = Contact("Spa", phone_numbers=NUMBERS)
LONG = "x" * 51

REFUSED: list[tuple[Any, str]] = [
    (Contact(phone_numbers=NUMBERS), r"\.name must be a string, not None"),
    (Contact("", phone_numbers=NUMBERS), r"\.name must be 1 to 50 characters long, not 0"),
    (Contact(LONG, phone_numbers=NUMBERS), r"\.name must be 1 to 50 characters long, not 51"),
    (Contact(5, phone_numbers=NUMBERS), r"\.name must be a string, not 5"),  # type: ignore[arg-type]
    (Contact("Spa", phone_numbers=[]), r"\.phone_numbers must be a list of 1 to 3 items, not of 0"),
    (Contact("Spa", phone_numbers=NUMBERS * 4), r"\.phone_numbers must be a list of 1 to 3 items, not of 4"),
    (Contact("Spa"), " needs phone_numbers, alexa_communication_profile_id or provider_contact"),
    (Contact("Spa", NUMBERS, "profile-1"), " must have phone_numbers or alexa_communication_profile_id, not both"),
    (ContactRecord("contact-1", SPA), " must be of type Contact, not ContactRecord"),
    ({"name": "Spa"}, " must be of type Contact, not "),
]


@pytest.mark.parametrize(("contact", "fault"), REFUSED, ids=[fault for _, fault in REFUSED])
async def test_rejects_contacts_outside_the_documented_limits(contact: Any, fault: str) -> None:
    service = Service()
    contacts = smart_properties(service).contacts
    for call in (contacts.create("book-1", contact), contacts.update("book-1", "contact-1", contact)):
        with pytest.raises(errors.ConfigurationError, match=f"^contact{fault}"):
            await call
    with pytest.raises(errors.ConfigurationError, match=rf"^contacts\[1\]{fault}"):
        await contacts.create_many("book-1", [SPA, contact])
    assert service.seen == []


async def test_the_ids_in_a_contact_are_checked() -> None:
    service = Service()
    contacts = smart_properties(service).contacts
    for contact, name in (
        (Contact("Room", alexa_communication_profile_id=""), "alexa_communication_profile_id"),
        (Contact("Nurse", provider_contact=ProviderContact("")), "id"),
    ):
        for call in (contacts.create("book-1", contact), contacts.create_many("book-1", [SPA, contact])):
            with pytest.raises(errors.ConfigurationError, match=rf"^(contacts\[1\]: )?{name} must be an id"):
                await call
    assert service.seen == []


def test_phone_numbers_may_be_strings() -> None:
    assert Contact("Spa", phone_numbers=NUMBERS) == Contact("Spa", phone_numbers=(PhoneNumber("+12055551233"),))
    for numbers in ("+12055551233", 12055551233):
        with pytest.raises(errors.ConfigurationError, match=r"^phone_numbers must be a list"):
            Contact("Spa", phone_numbers=numbers)  # type: ignore[arg-type]


CALLS: dict[str, Callable[[SmartProperties], Awaitable[object]]] = {
    r"name must be 1 to 50 characters long, not 51": lambda asp: asp.address_books.create(LONG),
    r"name must be 1 to 50 characters long, not 0": lambda asp: asp.address_books.update("book-1", ""),
    r"contacts must be a list of 1 to 100 items, not of 0": lambda asp: asp.contacts.create_many("book-1", []),
    r"contacts must be a list of 1 to 100 items, not of 101": lambda asp: asp.contacts.create_many(
        "book-1", [SPA] * 101
    ),
    r"contacts must be a list, not Contact": lambda asp: asp.contacts.create_many("book-1", SPA),  # type: ignore[arg-type]
    r"unit_ids must be a list of 1 to 100 items, not of 0": lambda asp: asp.address_book_associations.create_many(
        "book-1", []
    ),
    r"unit_ids must be a list of 1 to 100 items, not of 101": lambda asp: asp.address_book_associations.create_many(
        "book-1", ["unit-1"] * 101
    ),
    r"unit_ids must be a list, not 'unit-1'": lambda asp: asp.address_book_associations.create_many("book-1", "unit-1"),
    r"unit_ids must be an id": lambda asp: asp.address_book_associations.create_many("book-1", ["unit-1", ""]),
}


@pytest.mark.parametrize("fault", CALLS)
async def test_rejects_names_and_batches_outside_the_documented_limits(fault: str) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=f"^{fault}"):
        await CALLS[fault](smart_properties(service))
    assert service.seen == []


async def test_an_iterator_of_units_is_sent_as_a_batch() -> None:
    service = Service(answer(202))
    units: list[str | Unit] = [Unit("u"), "v"]
    result = await smart_properties(service).address_book_associations.create_many("book-1", iter(units))
    assert service.seen[0].json == {"items": [{"itemId": 0, "unitId": "u"}, {"itemId": 1, "unitId": "v"}]}
    assert result.items == ()
