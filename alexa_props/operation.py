"""The operation table: what each operation of a service sends and returns, as data."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, Literal, TypeAlias, TypedDict, TypeVar, Unpack, overload

import attrs

from alexa_props.arguments import (
    is_id_name,
    is_ids_name,
    require_choice,
    require_id,
    require_ids,
    require_limits,
    require_list,
    require_page_size,
    require_text,
)
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_type
from alexa_props.paging import Page

__all__ = ["Group", "Listing", "Model", "Operation", "Options"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Row = TypeVar("Row", bound="Operation[Any]")

Model = type[T] | Callable[[Any], T]
"""A model, or a function that makes something of parsed JSON."""

Choices: TypeAlias = type[enum.StrEnum] | tuple[type[enum.StrEnum]]
_BYTES = bytes, bytearray, memoryview
_PAGE_SIZE: Final = 10
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


# Compared by identity: a table holds each operation once, and comparing functions and dicts means nothing.
@attrs.frozen(kw_only=True, eq=False)
class Operation(Generic[T_co]):
    """One operation of one service. The type parameter is what a successful call returns."""

    name: str
    """Group and method, such as "units.list"; also the scope of its rate limit."""
    method: str
    path: str
    """Path template; `{unit_id}` stands for the argument of that name."""
    model: Model[T_co] | None = None
    """Model of the response, or a function that reads its JSON; None if a success has no body to read."""
    nullable: bool = False
    """Whether a success may have no body, which makes the call return None. For a GET that is a 204."""
    idempotent: bool
    """Whether sending it twice has the same effect as sending it once."""
    query: tuple[str, ...] | None = None
    """Arguments that go into the query; by default all of a GET or DELETE, and none of a POST or PUT."""
    required: tuple[str, ...] = ()
    """Arguments outside the path that must be given."""
    wire: Mapping[str, str] = attrs.field(factory=dict)
    """The service's names for arguments, if they do not follow from ours."""
    limits: Mapping[str, tuple[int, int | None]] = attrs.field(factory=dict)
    """Documented limits of arguments: least and most characters of a text or items of a list; None: no upper limit."""
    choices: Mapping[str, Choices] = attrs.field(factory=dict)
    """The enums of arguments that have a fixed set of values; `(Color,)` is a list of them."""
    types: Mapping[str, Any] = attrs.field(factory=dict)
    """Type hints of arguments that nothing else checks, such as `{"name": str, "tags": tuple[Tag, ...]}`."""
    subject: str | None = attrs.field(
        default=attrs.Factory(lambda it: next(iter((*it.path_parameters, *it.required)), None), takes_self=True)
    )
    """The argument that names the unit, device or other thing in messages, unless a call has a `subject`. By default
    the first in the path, or else the first required one."""
    host: str | None = None
    """Name of the host if it is not that of the API: see `Client`."""
    token_header: str | None = None
    """A further header that carries the access token; None if only Authorization does."""
    in_location: bool = False
    """Whether the id of what was created may be in the `Location` header only."""
    scope: str | None = None
    """The scope that a token needs in addition to that of the API."""
    secret: bool = False
    """Whether the response holds secrets, so that messages do not quote it."""
    per_endpoint: bool = False
    """Whether an error may list the endpoints on which it failed, which makes it a result."""
    member: str | None = None
    """Member of the response that holds the model; None if the response is the model."""
    target: str | None = None
    """The service's own name of the operation, if the wire carries it."""
    check_with: str | None = None
    """The operation that shows whether a call took effect whose response was lost or unreadable."""
    max_page_size: int | None = None
    """The largest page that the service accepts; None if it is not checked."""
    source: str = ""
    """The page that documents it."""

    @functools.cached_property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in the path, from left to right."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def check_advice(self) -> str:
        """For messages: what to do before an operation that may have taken effect is called again."""
        tool = f" with {self.check_with}" if self.check_with else ""
        return f"check{tool} whether it took effect before calling again"

    def is_query(self, argument: str) -> bool:
        """Return whether an argument that is not in the path goes into the query, and not into the body."""
        return self.method in ("GET", "DELETE") if self.query is None else argument in self.query

    def _is_member(self, argument: str) -> bool:
        """Return whether an argument is a member of the body."""
        elsewhere = argument in self.path_parameters or self.is_query(argument)
        return not elsewhere and argument not in ("body", "subject")

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with models replaced by their ids.

        Raises:
            ConfigurationError: An argument cannot be sent. Whether an argument is an id follows from its name.

        """
        needed = (*self.path_parameters, *self.required)
        checked: dict[str, Any] = {}
        for name, value in arguments.items():
            checked[name] = found = self._check(name, value, is_needed=name in needed)
            if found is not None and name in self.limits:
                require_limits(name, found, *self.limits[name])
        if checked.get("body") is not None:
            beside = [name for name, value in checked.items() if value is not None and self._is_member(name)]
            if beside:
                raise ConfigurationError(f"{self.name}: body is the whole body, so {', '.join(beside)} cannot be sent")
        missing = [name for name in needed if checked.get(name) is None]
        if missing:
            raise ConfigurationError(f"{self.name} needs {', '.join(missing)}")
        return checked

    def _check(self, name: str, value: object, *, is_needed: bool) -> object:
        is_id = name in self.path_parameters or is_id_name(name)
        if is_id and (value is not None or is_needed):
            return require_id(name, value)
        if value is None:
            return None
        if name in self.choices:
            kind = self.choices[name]
            if isinstance(kind, tuple):
                listed: tuple[object, ...] = require_list(name, value)
                return tuple(require_choice(name, each, *kind) for each in listed)
            return require_choice(name, value, kind)
        if name in self.types:
            require_type(name, value, self.types[name])
        if is_ids_name(name):
            return require_ids(name, value)
        if name == "page_size":
            return require_page_size(value, maximum=self.max_page_size)
        return require_text(name, value) if isinstance(value, str) else _copy(value)


def _copy(value: object) -> object:
    """Return a copy of a collection, because a pager sends it for every page; any other value unchanged."""
    if isinstance(value, Mapping):
        return dict(value)
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, _BYTES) else value


@attrs.frozen(kw_only=True, eq=False)
class Listing(Operation[Page[T]]):
    """An operation that returns one page of a list."""

    item: Model[T]
    """Model of one item, or a function that reads its JSON."""
    items: str = "results"
    """Member of the response that holds the list."""
    documented_page_size: int | None = None
    """The largest documented page, if the service may accept larger ones. A larger page that it refuses with a 400 is
    requested again with this size. None if the size is checked before, or unknown."""
    next_token: tuple[str, ...] = ("paginationContext", "nextToken")
    """Path of the next token in the response, from the outside in."""


class Options(TypedDict, total=False):
    """Fields that most rows leave at their defaults; `Operation` documents them."""

    idempotent: bool
    query: tuple[str, ...]
    required: tuple[str, ...]
    wire: Mapping[str, str]
    limits: Mapping[str, tuple[int, int | None]]
    choices: Mapping[str, Choices]
    types: Mapping[str, Any]
    subject: str
    per_endpoint: bool
    check_with: str
    """Method of the same group."""
    host: str
    token_header: str
    in_location: bool
    secret: bool


@attrs.frozen
class Group:
    """The operations of one API group of a REST service: its methods add a row each.

    `get`, `put` and `delete` are idempotent unless the row says otherwise; `post` is not unless the row says so.
    """

    name: str
    """Name of the group, such as "units"."""
    source: str
    """The page that documents it."""
    scope: str | None = None
    """The scope that a token needs in addition to that of the API."""
    _rows: list[Operation[Any]] = attrs.field(factory=list, init=False, repr=False)

    @property
    def operations(self) -> tuple[Operation[Any], ...]:
        """All rows, in order."""
        return tuple(self._rows)

    @overload
    def get(
        self, name: str, path: str, model: Model[T], *, nullable: Literal[True], **options: Unpack[Options]
    ) -> Operation[T | None]: ...
    @overload
    def get(self, name: str, path: str, model: Model[T], **options: Unpack[Options]) -> Operation[T]: ...
    def get(
        self, name: str, path: str, model: Model[Any], *, nullable: bool = False, **options: Unpack[Options]
    ) -> Operation[Any]:
        """Read one thing. `nullable`: a success may be a 204 without a body."""
        return self._add(Operation, "GET", name, path, model=model, nullable=nullable, **options)

    def list(
        self,
        name: str,
        path: str,
        item: Model[T],
        *,
        method: Literal["GET", "POST"] = "GET",
        items: str = "results",
        **options: Unpack[Options],
    ) -> Listing[T]:
        """Read a page of a list. A POST sends page size and token in its body."""
        fields = {"item": item, "items": items, "idempotent": True, "documented_page_size": _PAGE_SIZE, **options}
        return self._add(Listing[T], method, name, path, **fields)

    @overload
    def post(self, name: str, path: str, model: None = None, **options: Unpack[Options]) -> Operation[None]: ...
    @overload
    def post(
        self, name: str, path: str, model: Model[T], *, nullable: Literal[True], **options: Unpack[Options]
    ) -> Operation[T | None]: ...
    @overload
    def post(self, name: str, path: str, model: Model[T], **options: Unpack[Options]) -> Operation[T]: ...
    def post(
        self,
        name: str,
        path: str,
        model: Model[Any] | None = None,
        *,
        nullable: bool = False,
        **options: Unpack[Options],
    ) -> Operation[Any]:
        """Create something, or act on something. `nullable`: a success may have no body."""
        return self._add(Operation, "POST", name, path, model=model, nullable=nullable, **options)

    @overload
    def put(self, name: str, path: str, model: None = None, **options: Unpack[Options]) -> Operation[None]: ...
    @overload
    def put(
        self, name: str, path: str, model: Model[T], *, nullable: Literal[True], **options: Unpack[Options]
    ) -> Operation[T | None]: ...
    @overload
    def put(self, name: str, path: str, model: Model[T], **options: Unpack[Options]) -> Operation[T]: ...
    def put(
        self,
        name: str,
        path: str,
        model: Model[Any] | None = None,
        *,
        nullable: bool = False,
        **options: Unpack[Options],
    ) -> Operation[Any]:
        """Replace something. `nullable`: a success may have no body."""
        return self._add(Operation, "PUT", name, path, model=model, nullable=nullable, **options)

    def delete(self, name: str, path: str, **options: Unpack[Options]) -> Operation[None]:
        """Delete something."""
        return self._add(Operation[None], "DELETE", name, path, **options)

    def _add(self, kind: Callable[..., Row], method: str, name: str, path: str, **fields: Any) -> Row:
        fields.setdefault("idempotent", method != "POST")
        if "check_with" in fields:
            fields["check_with"] = f"{self.name}.{fields['check_with']}"
        row = kind(name=f"{self.name}.{name}", method=method, path=path, source=self.source, scope=self.scope, **fields)
        self._rows.append(row)
        return row
