"""Address books through the client: what is created, changed and deleted, what depends on what, and the limits."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from alexa_props import RateLimit, SmartProperties, errors, fleet
from alexa_props.simulator import Simulator
from alexa_props.simulator.smart_properties import address_books as simulated
from alexa_props.simulator.smart_properties.communications import PROFILES
from alexa_props.smart_properties.address_books import AddressBook, Contact, ContactRecord

SPA = Contact("Spa", phone_numbers=["+12055551233"])


@pytest.fixture
async def asp(sim: Simulator) -> AsyncIterator[SmartProperties]:
    async with sim:
        yield sim.smart_properties(rate_limit=RateLimit(per_second=1e6))


@pytest.fixture
async def book(asp: SmartProperties) -> str:
    """A new address book."""
    return await asp.address_books.create("Restaurant")


async def units_of(asp: SmartProperties, book: str) -> list[str | None]:
    return [each.unit_id async for each in asp.address_book_associations.list(book)]


async def books_of(asp: SmartProperties, unit_id: str) -> list[str | None]:
    return [each.address_book_id async for each in asp.address_book_associations.list_for_unit(unit_id)]


async def test_an_address_book_from_its_creation_to_its_deletion(asp: SmartProperties, sim: Simulator) -> None:
    before = [each async for each in asp.address_books.list()]
    # The names of address books are no keys.
    books = [await asp.address_books.create("Bar") for _ in range(12)]
    assert [each async for each in asp.address_books.list()] == before + [AddressBook(each, "Bar") for each in books]
    assert len(await asp.address_books.list(page_size=100)) == len(before) + 12
    await asp.address_books.update(books[0], "Lobby bar")
    assert await asp.address_books.get(books[0]) == AddressBook(books[0], "Lobby bar")
    contact = await asp.contacts.create(books[0], SPA)
    await asp.address_books.delete(AddressBook(books[0]))
    for call in (
        asp.address_books.get(books[0]),
        asp.address_books.update(books[0], "Bar"),
        asp.address_books.delete(books[0]),
        asp.contacts.get(books[0], contact),
        asp.contacts.create(books[0], SPA),
        asp.contacts.create_many(books[0], [SPA]),
        asp.address_book_associations.create(books[0], sim.rooms[0]),
    ):
        with pytest.raises(errors.NotFound):
            await call
    sim.reset()
    assert [each async for each in asp.address_books.list()] == before


async def test_contacts_from_their_creation_to_their_deletion(asp: SmartProperties, book: str, sim: Simulator) -> None:
    assert [each async for each in asp.contacts.list(book)] == []
    spa = await asp.contacts.create(book, SPA)
    room = Contact("Room 101", alexa_communication_profile_id=PROFILES.ids(sim)[0])
    result = await asp.contacts.create_many(book, [room, SPA, *[room] * 10])
    assert [(item.item_id, item.failed) for item in result.items] == [(str(number), False) for number in range(12)]
    records = [each async for each in asp.contacts.list(book)]
    assert [each.contact for each in records] == [SPA, room, SPA, *[room] * 10]
    assert records[0] == await asp.contacts.get(book, spa) == ContactRecord(spa, SPA)
    # It is replaced as a whole: the profile is gone.
    await asp.contacts.update(book, records[1], SPA)
    assert (await asp.contacts.get(book, records[1])).contact == SPA
    await asp.contacts.delete(book, spa)
    with pytest.raises(errors.NotFound):
        await asp.contacts.delete(book, spa)
    assert [each async for each in asp.contacts.list(book)] == [ContactRecord(records[1].contact_id, SPA), *records[2:]]


async def test_associations_from_their_creation_to_their_deletion(
    asp: SmartProperties, book: str, sim: Simulator
) -> None:
    rooms, associations = sim.rooms, asp.address_book_associations
    await associations.create(book, rooms[0])
    assert await units_of(asp, book) == [rooms[0]]
    # A second time is refused, one by one in a batch.
    with pytest.raises(errors.BadRequest, match="already associated"):
        await associations.create(book, rooms[0])
    result = await associations.create_many(book, [rooms[1], rooms[0], *rooms[2:12]])
    assert [(item.item_id, item.status) for item in result.failures] == [("1", "400")]
    assert await units_of(asp, book) == rooms[:12]
    assert [each.unit_id async for each in associations.list(book, unit_id=rooms[3])] == [rooms[3]]
    assert [each async for each in associations.list(book, unit_id=rooms[20])] == []
    # An unknown unit refuses the whole batch.
    with pytest.raises(errors.NotFound):
        await associations.create_many(book, [rooms[20], "unknown"])
    assert await books_of(asp, rooms[20]) == []
    # What the caller may not see is not listed.
    sim.set_forbidden(rooms[3])
    assert await units_of(asp, book) == [*rooms[:3], *rooms[4:12]]
    for call in (associations.create(book, rooms[3]), associations.delete(book, rooms[3])):
        with pytest.raises(errors.Forbidden):
            await call
    sim.set_forbidden(rooms[3], forbidden=False)
    with pytest.raises(errors.BadRequest, match="is associated with units"):
        await asp.address_books.delete(book)
    for room in rooms[:12]:
        assert await books_of(asp, room) == [book]
        await associations.delete(book, room)
        with pytest.raises(errors.NotFound):
            await associations.delete(book, room)
        assert await books_of(asp, room) == []
    await asp.address_books.delete(book)


async def test_a_fleet_reports_the_units_that_could_not_be_associated(
    asp: SmartProperties, book: str, sim: Simulator
) -> None:
    associate, room = functools.partial(asp.address_book_associations.create_many, book), sim.rooms[7]
    await asp.address_book_associations.create(book, room)
    async with fleet.run_many(associate, [*sim.units, "unknown"], size=20) as run:
        outcomes = [outcome async for outcome in run]
    assert {outcome.key for outcome in outcomes if outcome.status == "failed"} == {room, "unknown"}
    assert {outcome.status for outcome in outcomes} == {"done", "failed"}
    assert set(await units_of(asp, book)) == {*sim.units}


async def test_a_unit_that_uses_address_books_cannot_be_deleted(
    asp: SmartProperties, book: str, sim: Simulator
) -> None:
    room, other = sim.rooms[:2]
    books = [book, await asp.address_books.create("Bar")]
    for each in books:
        await asp.address_book_associations.create(each, room)
    await asp.units.delete(other)
    for each in books:
        with pytest.raises(errors.BadRequest, match="is associated with address books"):
            await asp.units.delete(room)
        await asp.address_book_associations.delete(each, room)
    await asp.units.delete(room)
    assert not {room, other} & {*sim.units}


async def test_documented_limits(
    asp: SmartProperties, book: str, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(19):
        await asp.contacts.create_many(book, [SPA] * 100)
    await asp.contacts.create_many(book, [SPA] * 99)
    full = r"403 FORBIDDEN .* at most 2,000 contacts in an address book"
    with pytest.raises(errors.Forbidden, match=full):
        await asp.contacts.create_many(book, [SPA] * 2)
    await asp.contacts.create(book, SPA)
    with pytest.raises(errors.Forbidden, match=full):
        await asp.contacts.create(book, SPA)
    books = [await asp.address_books.create("Bar") for _ in range(11)]
    for each in books[:10]:
        await asp.address_book_associations.create(each, sim.rooms[0])
    with pytest.raises(errors.Forbidden, match=r"at most 10 address books of a unit"):
        await asp.address_book_associations.create(books[10], sim.rooms[0])
    monkeypatch.setattr(simulated, "MOST_UNITS_OF_A_BOOK", 2)
    result = await asp.address_book_associations.create_many(book, sim.rooms[1:5])
    assert [(item.item_id, item.status) for item in result.failures] == [("2", "403"), ("3", "403")]
    monkeypatch.setattr(simulated, "MOST_BOOKS", len(await asp.address_books.list(page_size=100)))
    with pytest.raises(errors.Forbidden, match=r"address_books\.create\('Bar'\).*Limit exceeded"):
        await asp.address_books.create("Bar")


NUMBER = {"number": "+12055551233"}
PROFILE = {"name": "Room 101", "alexaCommunicationProfileId": "profile-1"}
REFUSED: list[Any] = [
    None,
    [],
    {},
    {"name": "Spa"},
    {"name": "", "phoneNumbers": [NUMBER]},
    {"name": "x" * 51, "phoneNumbers": [NUMBER]},
    {"name": "Spa", "phoneNumbers": []},
    {"name": "Spa", "phoneNumbers": [NUMBER] * 4},
    {"name": "Spa", "phoneNumbers": ["+12055551233"]},
    {"name": "Spa", "phoneNumbers": NUMBER},
    {**PROFILE, "phoneNumbers": [NUMBER]},
    {**PROFILE, "providerContact": {"id": "7201"}},
    {"name": "Spa", "alexaCommunicationProfileId": ""},
    {"name": "Spa", "providerContact": {}},
    {"name": "Spa", "providerContact": "7201"},
]


async def test_rejects_invalid_contacts_and_names(api: httpx.AsyncClient, sim: Simulator) -> None:
    [book, _] = simulated.ADDRESS_BOOKS.ids(sim)
    contacts = simulated.CONTACTS.ids(sim, book)
    path = f"/v1/addressBooks/{book}"
    for contact in REFUSED:
        responses = (
            await api.post(f"{path}/contacts", json={"contact": contact}),
            await api.put(f"{path}/contacts/{contacts[0]}", json={"contact": contact}),
            await api.post(
                f"{path}/contacts/batch",
                json={"items": [{"itemId": 1, "contact": PROFILE}, {"itemId": 2, "contact": contact}]},
            ),
        )
        assert [each.status_code for each in responses] == [400, 400, 400], contact
    for name in (None, "", "x" * 51, 5):
        for response in (
            await api.post("/v1/addressBooks", json={"name": name}),
            await api.put(path, json={"name": name}),
        ):
            assert response.status_code == 400, name
    assert simulated.CONTACTS.ids(sim, book) == contacts
    # Amazon's own tool sends null for what a contact does not have.
    profile = {**PROFILE, "alexaCommunicationProfileId": PROFILES.ids(sim)[0]}
    sent = {"contact": {**profile, "phoneNumbers": None}}
    created = await api.post(f"{path}/contacts", json=sent)
    assert created.status_code == 201
    shown = (await api.get(f"{path}/contacts/{created.json()['contactId']}")).json()
    assert shown == {"contactId": created.json()["contactId"], "contact": profile}


async def test_rejects_associations_without_a_unit(api: httpx.AsyncClient, sim: Simulator) -> None:
    path = f"/v1/addressBooks/{simulated.ADDRESS_BOOKS.ids(sim)[0]}/unitAssociations"
    for response in (
        await api.post(path, json={}),
        await api.post(f"{path}/batch", json={"items": [{"itemId": 1}]}),
        await api.post(f"{path}/batch", json={"items": []}),
        await api.post(f"{path}/batch", json={"items": [{"itemId": 1, "unitId": sim.rooms[0]}] * 101}),
        await api.delete(path),
        await api.get("/v1/addressBooks/unitAssociations"),
    ):
        assert response.status_code == 400
