"""No method of an API group takes or returns `Any`, but for JSON of the user's own."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import httpx

from alexa_props import AlexaForBusiness, SmartProperties
from alexa_props.codec import RAW

ALLOWED = {
    "AutomationData.data",
    "AutomationOperation.payload",
    "AutomationTemplate.data_definition",
    "Trigger.payload",
    "EndpointSettings.get_many(settings)",  # settings of different types
    "Enablement.name_free_invocation",
    "Feature.configuration",
    "FeatureProperty.value",
}
"""Where JSON is the service's or the user's own."""


def methods(client: type[SmartProperties | AlexaForBusiness]) -> Iterator[Callable[..., object]]:
    made = client.from_env(auth=httpx.Auth())
    for name, member in inspect.getmembers(client):
        if isinstance(member, functools.cached_property):
            group = type(getattr(made, name))
            for method_name, method in vars(group).items():
                if inspect.isfunction(method) and not method_name.startswith("_"):
                    yield from typing.get_overloads(method) or [method]


def resolved(annotation: object, module: str) -> Any:
    if not isinstance(annotation, str | typing.ForwardRef):
        return annotation
    text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
    try:
        return eval(text, vars(sys.modules[module]))
    except (NameError, TypeError):  # it names something that is imported, or a type, for type checkers only
        return Any if "Any" in text else object


def places_of_any(
    place: str, annotation: object, module: str, within: frozenset[object] = frozenset()
) -> Iterator[str]:
    """Where `Any` is in a type, or in the fields of the models that it names. A model may be `within` itself."""
    kind = resolved(annotation, module)
    if kind is Any:
        yield place
        return
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is not typing.Literal:
        for part in typing.get_args(kind):
            yield from places_of_any(place, part, module, within)
    if isinstance(kind, type) and attrs.has(kind) and kind not in within:
        # The JSON of a response that no page documents.
        for field in (field for field in attrs.fields(kind) if field.name != RAW):
            yield from places_of_any(f"{kind.__name__}.{field.name}", field.type, kind.__module__, within | {kind})


def test_no_public_method_of_a_group_takes_or_returns_any() -> None:
    found: set[str] = set()
    for method in (*methods(SmartProperties), *methods(AlexaForBusiness)):
        for name, annotation in method.__annotations__.items():
            place = method.__qualname__ + ("" if name == "return" else f"({name})")
            found.update(places_of_any(place, annotation, method.__module__))
    assert found == ALLOWED


def test_any_is_found_in_arguments_and_fields() -> None:
    @attrs.frozen
    class Model:
        value: dict[str, Any] | None

    assert set(places_of_any("here", list[Any] | None, __name__)) == {"here"}
    assert set(places_of_any("here", tuple[Model, ...], __name__)) == {"Model.value"}
    assert not set(places_of_any("here", "tuple[str, ...]", __name__))
