"""What may be set, and what a setting that makes no sense is answered with."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from alexa_props import RateLimit, Region, RetryPolicy, Timeouts, errors
from alexa_props.settings import Secret, require_env, require_https, require_id, require_page_size


def test_defaults() -> None:
    assert attrs.asdict(RetryPolicy()) == {"max_attempts": 4, "base": 0.5, "cap": 20.0, "max_retry_after": 120.0}
    assert attrs.asdict(RateLimit()) == {"per_second": None, "burst": 1, "scope": None, "max_wait": None}
    assert attrs.asdict(Timeouts()) == {"connect": 5.0, "read": 30.0, "pool": 30.0, "total": None}


NUMBERS: list[tuple[type[Any], str, float, bool]] = [
    (RetryPolicy, "max_attempts", 1, False),
    (RetryPolicy, "base", 0, False),
    (RetryPolicy, "cap", 0, False),
    (RetryPolicy, "max_retry_after", 0, False),
    (RateLimit, "per_second", 0.001, True),
    (RateLimit, "burst", 1, False),
    (RateLimit, "max_wait", 0, True),
    (Timeouts, "connect", 0.001, False),
    (Timeouts, "read", 0.001, False),
    (Timeouts, "pool", 0.001, False),
    (Timeouts, "total", 0.001, True),
]


@pytest.mark.parametrize(("kind", "name", "minimum", "optional"), NUMBERS)
def test_numbers(kind: type[Any], name: str, minimum: float, optional: bool) -> None:
    assert getattr(kind(**{name: minimum}), name) == minimum
    for value in (-1, minimum - 0.0005, float("nan"), float("inf"), -float("inf"), 10**400, True, "1", [1]):
        with pytest.raises(errors.ConfigurationError, match=rf"{kind.__name__}\({name}=…\) must be .* of at least"):
            kind(**{name: value})
    if optional:
        assert getattr(kind(**{name: None}), name) is None
    else:
        with pytest.raises(errors.ConfigurationError):
            kind(**{name: None})


@pytest.mark.parametrize(("kind", "name"), [(RetryPolicy, "max_attempts"), (RateLimit, "burst")])
def test_whole_numbers(kind: type[Any], name: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"must be a whole number of at least 1, not 1\.5"):
        kind(**{name: 1.5})
    assert getattr(kind(**{name: 10**300}), name) == 10**300


def test_a_scope_must_be_hashable() -> None:
    assert RateLimit(scope=("hotel", 7)).scope == ("hotel", 7)
    with pytest.raises(errors.ConfigurationError, match=r"RateLimit\(scope=…\) must be hashable"):
        RateLimit(scope=["hotel"])  # type: ignore[arg-type]


@pytest.mark.parametrize("settings", [RetryPolicy(), RateLimit(), Timeouts()])
def test_settings_are_frozen_and_take_names_only(settings: Any) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.base = 1
    with pytest.raises(TypeError):
        type(settings)(1)


def test_a_configuration_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="max_attempts"):
        RetryPolicy(max_attempts=0)


def test_regions() -> None:
    assert {str(region): region.base_url for region in Region} == {
        "NA": "https://api.amazonalexa.com",
        "EU": "https://api.eu.amazonalexa.com",
        "FE": "https://api.fe.amazonalexa.com",
    }


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("Atza|token")
    assert f"{secret} {secret!r} {[secret]}" == "Secret(…) Secret(…) [Secret(…)]"
    assert secret.reveal() == "Atza|token"
    assert secret == Secret("Atza|token")
    assert hash(secret) == hash(Secret("Atza|token"))
    assert secret not in ("Atza|token", Secret("other"))
    assert not Secret("")
    assert not Secret(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, ""])
def test_an_environment_variable_that_is_missing(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is not None:
        monkeypatch.setenv("ALEXA_PROPS_CLIENT_ID", value)
    with pytest.raises(errors.ConfigurationError, match="variable ALEXA_PROPS_CLIENT_ID is not set"):
        require_env("ALEXA_PROPS_CLIENT_ID")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "https://a.example:8443/x",
        "http://localhost:1",
        "http://127.0.0.1",
        "http://127.9.9.9/x",
        "http://[::1]:8080",
    ],
)
def test_urls_that_keep_secrets(url: str) -> None:
    assert str(require_https("base_url", url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://localhost.evil.example",
        "http://[::2]",
        "ftp://a.example",
        "a.example",
        "",
        "https://",
        "http://",
        "//a.example",
    ],
)
def test_urls_that_do_not(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"base_url must be https, or http to this machine"):
        require_https("base_url", url)


@pytest.mark.parametrize("url", ["https://a.example:port", None, 7, "https://a.exa\x00mple"])
def test_what_is_no_url(url: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="base_url must be a URL that begins with https"):
        require_https("base_url", url)


@pytest.mark.parametrize(
    "url", ["https://user:password@a.example", "https://a.example?password", "https://a.example#x"]
)
def test_a_url_with_a_password_is_not_quoted(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="without user name, query and fragment") as caught:
        require_https("base_url", url)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("value", ["x", "~caller", "a/b", "...", " ", "ü", "a" * 10_000])
def test_ids_are_opaque(value: str) -> None:
    assert require_id("unit_id", value) == value


@pytest.mark.parametrize("value", ["", ".", "..", None, 7, b"x", "\ud800"])
def test_what_is_no_id(value: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="unit_id must be an id"):
        require_id("unit_id", value)


def test_page_sizes() -> None:
    assert require_page_size(None, maximum=50) is None
    assert [require_page_size(size, maximum=50) for size in (1, 50)] == [1, 50]
    assert require_page_size(10_000, maximum=None) == 10_000


@pytest.mark.parametrize("size", [0, -1, 51, 1.5, "5", True])
def test_page_sizes_out_of_range(size: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="page_size must be a whole number from 1 to 50, or None"):
        require_page_size(size, maximum=50)


def test_page_sizes_without_a_maximum() -> None:
    with pytest.raises(errors.ConfigurationError, match="page_size must be a whole number of at least 1, or None"):
        require_page_size(0, maximum=None)
