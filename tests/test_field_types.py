"""Types of arguments and of the fields of models."""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import pytest

from alexa_props import errors
from alexa_props.codec import PlainText, Timestamp
from alexa_props.field_types import require_field_types, require_type
from alexa_props.settings import Secret


class Size(enum.StrEnum):
    SMALL = "small"
    LARGE = "large"


@attrs.frozen
class Leaf:
    name: str


@attrs.frozen
class Model:
    leaf: Leaf
    leaves: tuple[Leaf, ...] = ()
    when: Timestamp | None = None
    leaf_id: str | Leaf = "leaf-1"
    key: Secret | None = None
    chain: str = attrs.field(default="", repr=False)


UTC = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NAIVE = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point

HINTS: dict[str, tuple[Any, list[Any], list[Any], str]] = {
    "text": (str, ["", "x"], [5, None, b"x", ["x"]], "a string"),
    "a name": (PlainText, ["x"], [5], "a string"),
    "a flag": (bool, [True, False], [1, "true", None], "True or False"),
    "a whole number": (int, [0, 10**30], [True, 1.0, "1"], "a whole number"),
    "a number": (float, [1, 1.5], [True, math.nan, math.inf, "1"], "a finite number"),
    "a time": (Timestamp, [UTC], [NAIVE, dt.date(2026, 1, 1), "now"], "a datetime with a time zone"),
    "a choice": (Size, [Size.SMALL, "large"], ["huge", 1, ["small"]], "one of 'small', 'large'"),
    "an open choice": (Size | str, ["huge", Size.LARGE], [1, None], "one of 'small', 'large' or a string"),
    "a literal": (Literal["all"], ["all"], ["none", True, ["all"]], "one of 'all'"),
    "numbers": (Literal[6, 12], [6], [True, 7, "6"], "one of 6, 12"),
    "an option": (str | None, [None, "x"], [5], "a string"),
    "a model": (Leaf, [Leaf("x")], ["x", {"name": "x"}], "a Leaf"),
    "a tuple": (tuple[str, ...], [(), ["x"], {"x"}], ["x", [5], {"x": 1}, None], "a list, each a string"),
    "a sequence of anything": (Sequence[Any], [[object()]], ["x", 5], "a list"),
    "a mapping": (Mapping[str, Any], [{}], [[], "x"], "a mapping"),
    "a secret": (Secret, [Secret("x")], ["x"], "a Secret"),
}


@pytest.mark.parametrize("name", HINTS)
def test_values_of_a_type_hint(name: str) -> None:
    hint, allowed, refused, said = HINTS[name]
    for value in allowed:
        require_type("thing", value, hint)
    for value in refused:
        with pytest.raises(errors.ConfigurationError, match=f"^thing must be {said}, not "):
            require_type("thing", value, hint)


def test_a_type_hint_that_is_not_known_allows_everything() -> None:
    for hint in (Any, object, str | Any):
        require_type("thing", object(), hint)


def test_rejects_half_a_surrogate_pair() -> None:
    for value in ("\ud800", ["x", "\ud800"]):
        with pytest.raises(errors.ConfigurationError, match=r"^thing must be text: .* half a surrogate pair"):
            require_type("thing", value, str | Sequence[str])


def test_names_the_field_of_a_model() -> None:
    require_field_types(Model(Leaf("x"), (Leaf("y"),), UTC, Leaf("z"), Secret("s")))
    wrong: dict[str, Any] = {"leaf": None, "leaves": ["x"], "when": NAIVE, "leaf_id": None, "key": "s3cret", "chain": 7}
    for name, value in wrong.items():
        with pytest.raises(errors.ConfigurationError, match=f"^{name} must be "):
            require_field_types(attrs.evolve(Model(Leaf("x")), **{name: value}))


def test_does_not_show_what_is_meant_for_a_model() -> None:
    for value in ("s3cret", {"key": "s3cret"}, ["s3cret"]):
        for hint in (Leaf, Leaf | None, tuple[Leaf, ...]):
            with pytest.raises(errors.ConfigurationError, match=f", not {type(value).__name__}$"):
                require_type("thing", value, hint)


def test_does_not_show_secrets_and_fields_that_are_left_out_of_the_repr() -> None:
    wrongs: list[dict[str, Any]] = [{"key": "s3cret"}, {"chain": b"s3cret"}]
    for wrong in wrongs:
        with pytest.raises(errors.ConfigurationError) as caught:
            require_field_types(Model(Leaf("x"), **wrong))
        assert "s3cret" not in str(caught.value)
