"""Settings, and how invalid ones are rejected."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from alexa_props import RateLimit, Region, RetryPolicy, Timeouts, errors
from alexa_props.arguments import require_id, require_page_size
from alexa_props.settings import Secret, require_env, require_https


def test_default_settings() -> None:
    assert attrs.asdict(RetryPolicy()) == {"max_attempts": 4, "base": 0.5, "cap": 20.0, "max_retry_after": 120.0}
    assert attrs.asdict(RateLimit()) == {
        "per_second": None,
        "burst": 1,
        "scope": None,
        "max_wait": None,
        "shared": None,
    }
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
NUMBERS_WHOLE: list[tuple[type[Any], str]] = [(RetryPolicy, "max_attempts"), (RateLimit, "burst")]


def test_rejects_numbers_out_of_range() -> None:
    for kind, name, minimum, optional in NUMBERS:
        assert getattr(kind(**{name: minimum}), name) == minimum
        for value in (-1, minimum - 0.0005, float("nan"), float("inf"), 10**400, True, "1"):
            with pytest.raises(errors.ConfigurationError, match=rf"{kind.__name__}\({name}=…\) must be .* of at least"):
                kind(**{name: value})
        if optional:
            assert getattr(kind(**{name: None}), name) is None
        else:
            with pytest.raises(errors.ConfigurationError):
                kind(**{name: None})


def test_rejects_fractions_of_attempts_and_of_bursts() -> None:
    for kind, name in NUMBERS_WHOLE:
        with pytest.raises(errors.ConfigurationError, match=r"must be a whole number of at least 1, not 1\.5"):
            kind(**{name: 1.5})
        assert getattr(kind(**{name: 10**300}), name) == 10**300


def test_a_scope_must_be_hashable() -> None:
    assert RateLimit(scope=("hotel", 7)).scope == ("hotel", 7)
    with pytest.raises(errors.ConfigurationError, match=r"RateLimit\(scope=…\) must be hashable"):
        RateLimit(scope=["hotel"])  # type: ignore[arg-type]


def test_settings_are_frozen_and_keyword_only() -> None:
    for settings in (RetryPolicy(), RateLimit(), Timeouts()):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            settings.base = 1  # type: ignore[union-attr,misc]
        with pytest.raises(TypeError):
            type(settings)(1)  # type: ignore[call-arg]


def test_a_configuration_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="max_attempts"):
        RetryPolicy(max_attempts=0)


def test_regions_have_base_urls() -> None:
    assert {str(region): region.base_url for region in Region} == {
        "NA": "https://api.amazonalexa.com",
        "EU": "https://api.eu.amazonalexa.com",
        "FE": "https://api.fe.amazonalexa.com",
    }


def test_a_secret_is_shown_only_by_reveal() -> None:
    secret = Secret("Atza|token")
    assert f"{secret} {secret!r} {[secret]}" == "Secret(…) Secret(…) [Secret(…)]"
    assert secret.reveal() == "Atza|token"
    assert secret == Secret("Atza|token")
    assert hash(secret) == hash(Secret("Atza|token"))
    assert secret not in ("Atza|token", Secret("other"))
    assert not Secret("")
    assert not Secret(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_or_empty_environment_variable_is_an_error(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("ALEXA_PROPS_CLIENT_ID", value)
    with pytest.raises(errors.ConfigurationError, match="variable ALEXA_PROPS_CLIENT_ID is not set"):
        require_env("ALEXA_PROPS_CLIENT_ID")


def test_accepts_https_and_http_to_loopback() -> None:
    for url in ("https://a.example:8443/x", "http://localhost:1", "http://127.9.9.9/x", "http://[::1]:8080"):
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
        "https://",
        "//a.example",
    ],
)
def test_rejects_urls_that_do_not_protect_secrets(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"base_url must be https, or http to this machine"):
        require_https("base_url", url)


def test_rejects_text_that_is_no_url() -> None:
    urls: tuple[Any, ...] = ("https://a.example:port", None, 7, "https://a.exa\x00mple")
    for url in urls:
        with pytest.raises(errors.ConfigurationError, match="base_url must be a URL that begins with https"):
            require_https("base_url", url)


def test_does_not_quote_a_url_with_a_password() -> None:
    for url in ("https://user:password@a.example", "https://a.example?password", "https://a.example#password"):
        with pytest.raises(errors.ConfigurationError, match="without user name, query and fragment") as caught:
            require_https("base_url", url)
        assert "password" not in str(caught.value)


def test_ids_are_opaque() -> None:
    for value in ("x", "~caller", "a/b", "...", " ", "ü", "a" * 10_000):
        assert require_id("unit_id", value) == value


@pytest.mark.parametrize("value", ["", ".", "..", None, 7, b"x", "\ud800"])
def test_rejects_values_that_are_no_id(value: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="unit_id must be an id"):
        require_id("unit_id", value)


def test_rejects_page_sizes_out_of_range() -> None:
    assert require_page_size(None, maximum=50) is None
    assert [require_page_size(size, maximum=50) for size in (1, 50)] == [1, 50]
    assert require_page_size(10_000, maximum=None) == 10_000
    sizes: tuple[Any, ...] = (0, -1, 51, 1.5, "5", True)
    for size in sizes:
        with pytest.raises(errors.ConfigurationError, match="page_size must be a whole number from 1 to 50, or None"):
            require_page_size(size, maximum=50)
    with pytest.raises(errors.ConfigurationError, match="page_size must be a whole number of at least 1, or None"):
        require_page_size(0, maximum=None)
