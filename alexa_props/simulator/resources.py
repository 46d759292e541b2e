"""Plain resources: whatever is created, listed, read, updated and deleted, in one row each.

    ADDRESS_BOOKS = Resource(
        "address_books", "/v1/addressBooks", "addressBookId", "amzn1.alexa.addressBook.did.", {"name": str}
    )
    ADDRESS_BOOKS.serve(create="create", list="list", get="get", update="update", delete="delete")

A handler that is not plain, such as a batch, is a `@route` beside the row. It uses `ADDRESS_BOOKS.find(context)`,
`.items(context)` and `.add(context, body)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from alexa_props.simulator.bodies import Members, require_members
from alexa_props.simulator.context import Context, Handler
from alexa_props.simulator.requests import known_endpoint, known_unit, page, require_permission
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import Route, parameters, register
from alexa_props.simulator.store import Key
from alexa_props.simulator.subjects import members, subjects_of
from alexa_props.simulator.tree import identifier
from alexa_props.simulator.world import World

__all__ = ["Item", "Resource", "require_subject"]

_STATUSES: Final = {"create": 201, "update": 204, "delete": 204}
_MOST_RESULTS = 100


def require_subject(context: Context) -> None:
    """Check that the unit and the endpoint that a request is about exist and are permitted."""
    if context.about.unit_id is not None:
        known_unit(context, context.about.unit_id)
    if context.about.endpoint_id is not None:
        known_endpoint(context, context.about.endpoint_id)


@attrs.define(eq=False)
class Item:
    """One stored item."""

    id: str
    position: int
    """Its position in lists, which never changes."""
    body: dict[str, Any]
    unit_id: str | None = None
    """The unit that it belongs to, if any: it takes permission for that unit to see the item."""


def _no_items(_: World, *__: str) -> Iterable[Mapping[str, Json]]:
    return ()


@attrs.define(eq=False)
class _Collection:
    items: dict[str, Item] = attrs.field(factory=dict)
    created: int = 0
    seeds: list[str] = attrs.field(factory=list)


def _no_collections(_: World) -> dict[tuple[str, ...], _Collection]:
    return {}


@attrs.frozen(eq=False)
class Resource:
    """A kind of item, stored as the JSON that was sent."""

    group: str
    """The group of the operations, such as `"contacts"`."""
    path: str
    """The path of the collection. It may have parameters: `/v1/addressBooks/{addressBookId}/contacts`."""
    parameter: str
    """The path parameter that holds the id of one item."""
    prefix: str
    """What ids start with."""
    required: Members = attrs.field(factory=dict)
    """The members of a body."""
    optional: Members = attrs.field(factory=dict, kw_only=True)
    """Further members whose types are checked if they are sent."""
    update: Members | None = attrs.field(default=None, kw_only=True)
    """The required members of an update, if they differ."""
    id_member: str = attrs.field(default=attrs.Factory(lambda it: it.parameter, takes_self=True), kw_only=True)
    """The member that holds the id in responses."""
    parent: Resource | None = attrs.field(default=None, kw_only=True)
    """The resource whose item the path starts with. It must exist."""
    filters: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    """Query parameters of the list, and the dotted member that each is compared with."""
    required_filters: Sequence[str] = attrs.field(default=(), kw_only=True)
    """The filters that must be sent."""
    results: str = attrs.field(default="results", kw_only=True)
    """The name of the list in the response."""
    most: int = attrs.field(default=_MOST_RESULTS, kw_only=True)
    """The largest page."""
    expands: bool = attrs.field(default=False, kw_only=True)
    """Whether a list has only ids unless `expand=all` is sent."""
    created: Literal["id", "item"] = attrs.field(default="id", kw_only=True)
    """What the response to a creation has."""
    statuses: Mapping[str, int] = attrs.field(factory=dict, kw_only=True)
    """The statuses of `create`, `update` and `delete`, if they are not 201, 204 and 204."""
    seeds: Callable[..., Iterable[Mapping[str, Json]]] = attrs.field(default=_no_items, kw_only=True)
    """Returns the first items, without ids, for the simulator and the parameters in the path of the collection."""
    _key: Key[dict[tuple[str, ...], _Collection]] = attrs.field(
        init=False, default=attrs.Factory(lambda it: Key(it.group, _no_collections), takes_self=True)
    )

    def serve(self, **operations: str) -> Resource:
        """Register the routes of these actions (create, list, get, update, delete), each by its operation's name."""
        one = f"{self.path}/{{{self.parameter}}}"
        actions: dict[str, tuple[str, str, Handler]] = {
            "create": ("POST", self.path, self._create),
            "list": ("GET", self.path, self._list),
            "get": ("GET", one, self._get),
            "update": ("PUT", one, self._update),
            "delete": ("DELETE", one, self._delete),
        }
        for action, name in operations.items():
            method, path, handler = actions[action]
            register(Route(f"{self.group}.{name}", method, path, handler))
        return self

    def ids(self, world: World, *parents: str) -> list[str]:
        """Return the ids of all items, in order.

        Args:
            world: The simulator.
            parents: Ids for the parameters in the path of the collection.
        """
        return list(self.stored(world, *parents))

    def stored(self, world: World, *parents: str) -> dict[str, Item]:
        """Return all items by id, for parents that need no request to name them: those that another item refers to."""
        return self._collection(world, parents).items

    def seed_ids(self, world: World, *parents: str) -> list[str]:
        """Return the ids of the first items, also of those that were deleted: `seeds` of what is below them need it."""
        return self._collection(world, parents).seeds

    def discard(self, world: World, is_unwanted: Callable[[Item], bool], *parents: str) -> None:
        """Delete the items that no longer make sense, for parents that need no request to name them."""
        items = self.stored(world, *parents)
        for item in [item for item in items.values() if is_unwanted(item)]:
            del items[item.id]

    def items(self, context: Context) -> dict[str, Item]:
        """Return all items in the collection that a path names, by id."""
        return self._collection_of(context).items

    def find(self, context: Context) -> Item:
        """Return the item that a path names."""
        item = self.items(context).get(context.params[self.parameter])
        if item is None:
            raise Problem(404, f"There is no {self.parameter.removesuffix('Id')} with this id.")
        require_permission(context, item.unit_id)
        return item

    def add(self, context: Context, body: Mapping[str, Any], unit_id: str | None = None) -> Item:
        """Store an item under a new id, which comes from the seed.

        Args:
            context: The request.
            body: The item without an id.
            unit_id: The unit that it belongs to, if its body does not name one.
        """
        return self._add(context.service, self._collection_of(context), self._parents(context), body, unit_id)

    def render(self, item: Item) -> Json:
        """Return an item as JSON."""
        return {**item.body, self.id_member: item.id}

    def page(self, context: Context, items: Iterable[Item], query: object) -> Response:
        """Return a page of items in their order, without those of units that are not permitted.

        Args:
            context: The request: a GET with paging in its query, or a POST with `paginationContext` in its body.
            items: The items that it asks for.
            query: What the choice of items depends on, besides the path.
        """
        expands = context.query.getlist("expand")
        if self.expands and any(expand != "all" for expand in expands):
            raise Problem(400, "expand must be all.")

        def render(item: Item) -> Json:
            return {self.id_member: item.id} if self.expands and not expands else self.render(item)

        return page(
            context,
            [item for item in items if item.unit_id not in context.service.forbidden_units],
            render,
            query=(tuple(context.params.items()), query, bool(expands)),
            most=self.most,
            member=self.results,
            mark=lambda item: item.position,
        )

    def _parents(self, context: Context) -> tuple[str, ...]:
        return tuple(context.params[name] for name in parameters(self.path))

    def _collection_of(self, context: Context) -> _Collection:
        if self.parent is not None:
            self.parent.find(context)
        return self._collection(context.service, self._parents(context))

    def _collection(self, world: World, parents: tuple[str, ...]) -> _Collection:
        collections = world.store[self._key]
        if parents not in collections:
            collections[parents] = _Collection()
            for body in self.seeds(world, *parents):
                item = self._add(world, collections[parents], parents, body, None)
                collections[parents].seeds.append(item.id)
        return collections[parents]

    def _add(
        self,
        world: World,
        collection: _Collection,
        parents: tuple[str, ...],
        body: Mapping[str, Any],
        unit_id: str | None,
    ) -> Item:
        collection.created += 1
        source = "/".join((str(world.seed), self.group, *parents, str(collection.created)))
        rng = random.Random(source)  # noqa: S311 - must be repeatable, protects nothing
        unit_id = unit_id or subjects_of({}, body, {}).unit_id
        item = Item(f"{self.prefix}{identifier(rng)}", collection.created, dict(body), unit_id)
        collection.items[item.id] = item
        return item

    def _no_content(self, action: str) -> Response:
        return no_content(self.statuses.get(action, _STATUSES[action]))

    def _create(self, context: Context) -> Response:
        body = require_members(context.json, self.required, self.optional)
        require_subject(context)
        item = self.add(context, body, context.about.unit_id)
        shown = self.render(item) if self.created == "item" else {self.id_member: item.id}
        return json_response(shown, self.statuses.get("create", _STATUSES["create"]))

    def _get(self, context: Context) -> Response:
        return json_response(self.render(self.find(context)))

    def _list(self, context: Context) -> Response:
        wanted = {name: context.query[name] for name in self.filters if name in context.query}
        missing = [name for name in self.required_filters if name not in wanted]
        if missing:
            raise Problem(400, f"The parameter {missing[0]} is missing.")
        require_subject(context)

        def matches(item: Item) -> bool:
            shown = self.render(item)
            return all(value in members(shown, self.filters[name]) for name, value in wanted.items())

        return self.page(context, filter(matches, self.items(context).values()), tuple(wanted.items()))

    def _update(self, context: Context) -> Response:
        item = self.find(context)
        required = self.required if self.update is None else self.update
        body = require_members(context.json, required, self.optional)
        require_subject(context)
        item.body.update(body)
        return self._no_content("update")

    def _delete(self, context: Context) -> Response:
        item = self.find(context)
        del self.items(context)[item.id]
        return self._no_content("delete")
