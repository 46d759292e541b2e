"""`alexa_props.models` has every model of both services, and importing it costs nothing."""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
import typing
from collections.abc import Iterator

import attrs
import pytest

import alexa_props
from alexa_props import for_business, models, smart_properties

RENAMED = {
    ("for_business.users", "User"): "BusinessUser",
    ("smart_properties.setting", "Enablement"): "SettingEnablement",
}
NOT_MODELS = ("groups", "protocol", "failures", "search", "deletion")
"""Files whose names are for the library itself."""


def is_model(value: object) -> bool:
    if isinstance(value, type):
        return attrs.has(value) or issubclass(value, enum.Enum)
    return isinstance(value, types.UnionType | str) or typing.get_origin(value) in (typing.Literal, typing.Union)


def declared() -> Iterator[tuple[str, str, object]]:
    """The models in `__all__` of each file: the file that defines it, its name, and the model."""
    for package in (smart_properties, for_business):
        for file in pkgutil.iter_modules(package.__path__):
            if file.name in NOT_MODELS:
                continue
            module = importlib.import_module(f"{package.__name__}.{file.name}")
            for name in module.__all__:
                value = getattr(module, name)
                if is_model(value) and name != "Batching":  # how a method is called
                    home = getattr(value, "__module__", "") if isinstance(value, type) else module.__name__
                    yield home.removeprefix("alexa_props."), name, value


def test_every_model_of_every_group_is_there() -> None:
    expected: dict[str, object] = {}
    for home, name, value in declared():
        # Two models of one name need two names here.
        assert expected.setdefault(RENAMED.get((home, name), name), value) is value, name
    assert len(expected) > 150
    found = {name: getattr(models, name) for name in expected if name in models.__all__}
    assert found == expected
    assert sorted(set(models.__all__) - set(expected)) == [
        *("Deletion", "EndpointFailure", "Page", "Pager", "SUBSCRIPTION_SKILLS", "Secret", "Setting"),
        *("SettingValues", "Stations", "parallel", "serial"),
    ]
    assert sorted(models._HOMES) == sorted(models.__all__)


def test_two_models_of_one_name_have_two_names() -> None:
    for (home, name), alias in RENAMED.items():
        other, renamed = getattr(models, name), getattr(models, alias)
        assert inspect.getmodule(renamed) is importlib.import_module(f"alexa_props.{home}")
        assert other is not renamed


def test_a_name_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from alexa_props import models; assert 'Unit' in dir(models); print('httpx' in sys.modules); "
        "models.Unit; print(*[n for n in sys.modules if n.startswith('alexa_props.smart_properties.skills')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n\n"


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'alexa_props\.models' has no attribute 'Units'"):
        models.Units  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_is_that_of_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alexa_props.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{alexa_props.__version__}\n"
    code = "import sys, alexa_props; print(alexa_props.__version__); print('httpx' in sys.modules)"
    alone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert alone.stdout == f"{done.stdout}False\n"
