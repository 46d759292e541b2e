"""What screens show and devices say, by locale: the form that notifications, campaigns and reminders share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self, TypeVar

import attrs

from alexa_props.arguments import require_list, require_text
from alexa_props.codec import camel
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_field_types
from alexa_props.smart_properties.protocol import codec

__all__ = ["Card", "activation_window", "localized", "utc"]

T = TypeVar("T")

_PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "background_image": ("background", "backgroundImageSource"),
    "color_overlay": ("background", "colorOverlay"),
    "thumbnail_image": ("thumbnail", "thumbnailImageSource"),
    "attribution_text": ("attribution", "attributionText"),
    "attribution_image": ("attribution", "attributionImageSource"),
}
"""Objects of the data sources and their members; every other field is a member of `displayText`."""


def _place(field: str) -> tuple[str, str]:
    return _PLACES.get(field, ("displayText", camel(field)))


def _checked(field: str, value: object) -> object:
    if field.endswith(("_list", "_items")):
        return require_list(field, value, 1)
    return require_text(field, value) if isinstance(value, str) else value


@attrs.frozen(kw_only=True)
class Card:
    """Base of what a screen shows. Fields ending in `_image` are URLs. Which fields a card needs is not documented."""

    document: ClassVar[str]
    """The layout on Amazon's side."""

    def members(self) -> dict[str, Any]:
        """Return the fields that are not None; raises `ConfigurationError` for an empty list or another type."""
        require_field_types(self)
        found = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        return {name: _checked(name, value) for name, value in found.items() if value is not None}

    def datasources(self) -> dict[str, Any]:
        """Return the members as the wire nests them."""
        sent: dict[str, Any] = {}
        for field, value in self.members().items():
            place, name = _place(field)
            sent.setdefault(place, {})[name] = value
        return sent

    @classmethod
    def read(cls, datasources: Mapping[str, Any]) -> Self:
        """Return the card from the form of the wire; raises `DecodeError`."""
        flat: dict[str, Any] = {}
        for field in attrs.fields(cls):
            place, name = _place(field.name)
            found = datasources.get(place)
            flat[camel(field.name)] = found.get(name) if isinstance(found, dict) else None
        return codec.structure(flat, cls)

    def value(self, locale: str) -> dict[str, Any]:
        """Return the card as the content for a locale."""
        document = {"type": "Link", "src": self.document}
        return {"locale": locale, "document": document, "datasources": self.datasources()}


def localized(argument: str, content: Mapping[str, T], *kinds: type[T]) -> dict[str, T]:
    """Return content by locale, such as "en-US".

    Raises:
        ConfigurationError: It is not a mapping, or empty, or a locale or a value has another type.
    """
    if not isinstance(content, Mapping) or not content:
        raise ConfigurationError(f'{argument} must be a dict with at least one locale, such as "en-US"')
    for locale, value in content.items():
        if not isinstance(locale, str) or not require_text(argument, locale):
            raise ConfigurationError(f'{argument} must have locales such as "en-US" as keys, not {locale!r:.80}')
        if not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise ConfigurationError(f"{argument}[{locale!r}] must be of type {names}, not {value!r:.80}")
        if isinstance(value, str):
            require_text(argument, value)
    return dict(content)


def utc(argument: str, moment: dt.datetime) -> dt.datetime:
    """Return a time in UTC; raises `ConfigurationError` if it has no time zone."""
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        try:
            return moment.astimezone(dt.UTC)
        except OverflowError:
            pass
    raise ConfigurationError(f"{argument} must be a datetime with a time zone, such as datetime.UTC, not {moment!r}")


def activation_window(start: dt.datetime | None, end: dt.datetime | None) -> dict[str, Any]:
    """Return an activation window for the wire; raises `ConfigurationError` for a time without a time zone."""
    times = {"start": start, "end": end}
    return {"activationWindow": {name: utc(name, moment) for name, moment in times.items() if moment is not None}}
