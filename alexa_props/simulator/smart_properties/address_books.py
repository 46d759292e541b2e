"""Address books, their contacts, and the units that use them.

Inferred: a request over a limit is a 403 that states the limit. For the address books of an organization this is
documented.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sized
from typing import Any

import attrs

from alexa_props.simulator.bodies import batch, require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import delete_dependents, when_deleted
from alexa_props.simulator.requests import known_unit, page
from alexa_props.simulator.resources import Resource, require_subject
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.service import Service
from alexa_props.simulator.smart_properties.communications import checks_contacts, known_profile
from alexa_props.simulator.store import Key
from alexa_props.simulator.world import World

BOOKS = "/v1/addressBooks"
BOOK = f"{BOOKS}/{{addressBookId}}"
CONTACT = f"{BOOK}/contacts/{{contactId}}"
ASSOCIATIONS = f"{BOOK}/unitAssociations"

MOST_BOOKS = 35_000
MOST_CONTACTS = 2_000
MOST_UNITS_OF_A_BOOK = 2_500
MOST_BOOKS_OF_A_UNIT = 10
MOST_NUMBERS = 3
LONGEST_NAME = 50
BATCH = 100
# The page size of Amazon's own tool.
MOST_RESULTS = 100

# The first book has contacts, and is associated with the organization; the second is empty.
_FIRST_BOOKS: list[Mapping[str, Json]] = [{"name": "Front desk"}, {"name": "Spa"}]
_FIRST_CONTACTS: list[Mapping[str, Json]] = [
    {"contact": {"name": "Front desk", "phoneNumbers": [{"number": "+12055551233"}]}},
    {"contact": {"name": "Concierge", "phoneNumbers": [{"number": "+12055551234"}, {"number": "7201"}]}},
]


def _first_contacts(world: World, book_id: str) -> Iterable[Mapping[str, Json]]:
    return _FIRST_CONTACTS if book_id == ADDRESS_BOOKS.seed_ids(world)[0] else ()


ADDRESS_BOOKS = Resource(
    *("address_books", BOOKS, "addressBookId", "amzn1.alexa.addressbook.did.", {"name": str}),
    seeds=lambda _: _FIRST_BOOKS,
).serve(list="list", get="get")
CONTACTS = Resource(
    *("contacts", f"{BOOK}/contacts", "contactId", "amzn1.alexa.contacts.did."),
    parent=ADDRESS_BOOKS,
    seeds=_first_contacts,
)


@attrs.frozen
class Association:
    """A unit that uses an address book."""

    book_id: str
    unit_id: str
    position: int
    """Its position in lists, which never changes."""


def _no_associations() -> defaultdict[str, dict[str, Association]]:
    return defaultdict(dict)


@attrs.define(eq=False)
class Associations:
    """All associations."""

    of_book: defaultdict[str, dict[str, Association]] = attrs.field(factory=_no_associations)
    """Those of each address book, by unit."""
    of_unit: defaultdict[str, dict[str, Association]] = attrs.field(factory=_no_associations)
    """Those of each unit, by address book."""
    created: int = 0

    def add(self, book_id: str, unit_id: str) -> None:
        """Associate a book with a unit. Inferred: a second time is refused, and one over a limit, too."""
        units, books = self.of_book[book_id], self.of_unit[unit_id]
        if unit_id in units:
            raise Problem(400, "The address book is already associated with the unit.")
        _require_room(units, 1, MOST_UNITS_OF_A_BOOK, "units of an address book")
        _require_room(books, 1, MOST_BOOKS_OF_A_UNIT, "address books of a unit")
        self.created += 1
        units[unit_id] = books[book_id] = Association(book_id, unit_id, self.created)

    def remove(self, book_id: str, unit_id: str) -> None:
        """End the association of a book with a unit."""
        if self.of_book[book_id].pop(unit_id, None) is None:
            raise Problem(404, "The address book is not associated with the unit.")
        del self.of_unit[unit_id][book_id]


def _first_associations(world: World) -> Associations:
    first = Associations()
    first.add(ADDRESS_BOOKS.seed_ids(world)[0], world.organization_id)
    return first


_ASSOCIATIONS = Key("address_book_associations", _first_associations)


def has_address_books(service: Service, unit_id: str) -> bool:
    """Return whether a unit uses an address book, so that it cannot be deleted."""
    return bool(service.store[_ASSOCIATIONS].of_unit[unit_id])


def _require_room(present: Sized, more: int, most: int, what: str) -> None:
    if len(present) + more > most:
        raise Problem(403, f"Limit exceeded: there are at most {most:,} {what}.")


def _require_name(name: str) -> None:
    if len(name) > LONGEST_NAME:
        raise Problem(400, f"name must be 1 to {LONGEST_NAME} characters long.")


def _book(context: Context) -> dict[str, Any]:
    body = require_members(context.json, {"name": str})
    _require_name(body["name"])
    return {"name": body["name"]}


def _contact(body: object) -> dict[str, Any]:
    """Return the contact in a body. A member that is null is one that was not sent, as in Amazon's own tool.

    Inferred: a contact has one way to call it. Documented is that it has no phone numbers beside a profile.
    """
    sent = require_members(body, {"contact": dict})["contact"]
    contact = {name: value for name, value in sent.items() if value is not None}
    require_members(contact, {"name": str}, {"phoneNumbers": list, "alexaCommunicationProfileId": str})
    _require_name(contact["name"])
    if len(contact.keys() & {"phoneNumbers", "alexaCommunicationProfileId", "providerContact"}) != 1:
        raise Problem(400, "contact must have one of phoneNumbers, alexaCommunicationProfileId and providerContact.")
    if "providerContact" in contact:
        require_members(contact["providerContact"], {"id": str})
    numbers = contact.get("phoneNumbers", [{"number": "none"}])
    if not 1 <= len(numbers) <= MOST_NUMBERS:
        raise Problem(400, f"phoneNumbers must be a list of 1 to {MOST_NUMBERS}.")
    for number in numbers:
        require_members(number, {"number": str})
    return {"contact": contact}


def _require_profile(context: Context, body: Mapping[str, Any]) -> None:
    """Check that the communication profile of a contact exists, if it has one."""
    if "alexaCommunicationProfileId" in body["contact"]:
        known_profile(context, body["contact"]["alexaCommunicationProfileId"])


@checks_contacts
def _require_contact(context: Context, contact_id: str) -> None:
    world = context.service
    if not any(contact_id in CONTACTS.stored(world, book_id) for book_id in ADDRESS_BOOKS.ids(world)):
        raise Problem(404, "There is no such contact.")


@when_deleted("profile")
def _delete_contacts(world: World, profile_id: str) -> None:
    """Delete the contacts that point at a profile."""
    for book_id in ADDRESS_BOOKS.ids(world):
        for contact in [*CONTACTS.stored(world, book_id).values()]:
            if contact.body["contact"].get("alexaCommunicationProfileId") == profile_id:
                _delete_contact(world, book_id, contact.id)


def _delete_contact(world: World, book_id: str, contact_id: str) -> None:
    delete_dependents(world, "contact", contact_id)
    del CONTACTS.stored(world, book_id)[contact_id]


def _outcomes(items: Iterable[Mapping[str, Any]], problems: Mapping[int, Problem]) -> Response:
    """Return the outcome of each item of a batch. Inferred: no page shows the response."""
    results: list[Json] = []
    for position, item in enumerate(items):
        problem = problems.get(position)
        outcome: dict[str, Json] = {"itemId": item["itemId"], "status": 201}
        if problem is not None:
            outcome.update(status=problem.status, message=str(problem))
        results.append(outcome)
    return json_response({"results": results}, 207 if problems else 200)


@route("address_books.create", "POST", BOOKS)
def create_book(context: Context) -> Response:
    """Create an address book: 201 and its id."""
    body = _book(context)
    _require_room(ADDRESS_BOOKS.items(context), 1, MOST_BOOKS, "address books in an organization")
    return json_response({"addressBookId": ADDRESS_BOOKS.add(context, body).id}, 201)


@route("address_books.update", "PUT", BOOK)
def update_book(context: Context) -> Response:
    """Rename an address book."""
    book = ADDRESS_BOOKS.find(context)
    book.body.update(_book(context))
    return no_content()


CONTACTS.serve(list="list", get="get")


@route("contacts.create", "POST", f"{BOOK}/contacts")
def create_contact(context: Context) -> Response:
    """Create a contact: 201 and its id."""
    present, body = CONTACTS.items(context), _contact(context.json)
    _require_profile(context, body)
    _require_room(present, 1, MOST_CONTACTS, "contacts in an address book")
    return json_response({"contactId": CONTACTS.add(context, body).id}, 201)


@route("contacts.create_many", "POST", f"{BOOK}/contacts/batch")
def create_contacts(context: Context) -> Response:
    """Create contacts: all of them or none. Inferred: the response has no ids, so that no one relies on them."""
    present, items = CONTACTS.items(context), batch(context, BATCH, {"contact": dict})
    bodies = [_contact(item) for item in items]
    for body in bodies:
        _require_profile(context, body)
    _require_room(present, len(bodies), MOST_CONTACTS, "contacts in an address book")
    for body in bodies:
        CONTACTS.add(context, body)
    return _outcomes(items, {})


@route("contacts.update", "PUT", CONTACT)
def update_contact(context: Context) -> Response:
    """Replace a contact."""
    contact = CONTACTS.find(context)
    body = _contact(context.json)
    _require_profile(context, body)
    contact.body = body
    return no_content()


@route("contacts.delete", "DELETE", CONTACT)
def delete_contact(context: Context) -> Response:
    """Delete a contact. It can no longer call anybody."""
    _delete_contact(context.service, context.params["addressBookId"], CONTACTS.find(context).id)
    return no_content()


def _page(context: Context, associations: Iterable[Association], query: object) -> Response:
    return page(
        context,
        [each for each in associations if each.unit_id not in context.service.forbidden_units],
        lambda each: {"addressBookId": each.book_id, "unitId": each.unit_id},
        query=query,
        most=MOST_RESULTS,
        mark=lambda each: each.position,
    )


@route("address_book_associations.list", "GET", ASSOCIATIONS)
def list_associations(context: Context) -> Response:
    """List the units that use an address book, or the one that the query names."""
    book, unit_id = ADDRESS_BOOKS.find(context), context.query.get("unitId")
    require_subject(context)
    found = context.service.store[_ASSOCIATIONS].of_book[book.id].values()
    return _page(context, [each for each in found if unit_id in (None, each.unit_id)], (book.id, unit_id))


@route("address_book_associations.list_for_unit", "GET", f"{BOOKS}/unitAssociations")
def list_associations_of_unit(context: Context) -> Response:
    """List the address books that a unit uses."""
    unit = known_unit(context, _unit_id(context))
    return _page(context, context.service.store[_ASSOCIATIONS].of_unit[unit.id].values(), unit.id)


@route("address_book_associations.create", "POST", ASSOCIATIONS)
def associate(context: Context) -> Response:
    """Associate an address book with a unit."""
    book = ADDRESS_BOOKS.find(context)
    unit = known_unit(context, require_members(context.json, {"unitId": str})["unitId"])
    context.service.store[_ASSOCIATIONS].add(book.id, unit.id)
    return no_content(201)


@route("address_book_associations.create_many", "POST", f"{ASSOCIATIONS}/batch")
def associate_many(context: Context) -> Response:
    """Associate an address book with units. Inferred: each is refused or not, except that all must be known."""
    book, items = ADDRESS_BOOKS.find(context), batch(context, BATCH, {"unitId": str})
    problems: dict[int, Problem] = {}
    for position, item in enumerate(items):
        try:
            context.service.store[_ASSOCIATIONS].add(book.id, item["unitId"])
        except Problem as problem:
            problems[position] = problem
    return _outcomes(items, problems)


@route("address_book_associations.delete", "DELETE", ASSOCIATIONS)
def dissociate(context: Context) -> Response:
    """End the association of an address book with a unit."""
    book, unit = ADDRESS_BOOKS.find(context), known_unit(context, _unit_id(context))
    context.service.store[_ASSOCIATIONS].remove(book.id, unit.id)
    return no_content()


def _unit_id(context: Context) -> str:
    unit_id = context.query.get("unitId")
    if not unit_id:
        raise Problem(400, "The parameter unitId is missing.")
    return unit_id


@route("address_books.delete", "DELETE", BOOK)
def delete_book(context: Context) -> Response:
    """Delete an address book with its contacts. Inferred: one that units use cannot be deleted."""
    book = ADDRESS_BOOKS.find(context)
    if context.service.store[_ASSOCIATIONS].of_book[book.id]:
        raise Problem(400, "The address book is associated with units: delete the associations first.")
    for contact_id in CONTACTS.ids(context.service, book.id):
        _delete_contact(context.service, book.id, contact_id)
    del ADDRESS_BOOKS.items(context)[book.id]
    return no_content()
