"""Redaction hides every form of a quoted secret and no ordinary text, with bounded work."""

from __future__ import annotations

import base64
import random
import secrets
import string
import time
import uuid
from collections.abc import Generator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexa_props import RateLimit, SmartProperties, errors
from alexa_props.redaction import Redactor, sanitize, secrets_of
from alexa_props.settings import Secret
from tests.secrets.leaks import QUOTATIONS, is_quoted

TOKEN = "Atza|IwEBIKx7_mQ2vL-9pRzT4wYc8nHsUjE0oGfDbAqXyVtN6kJ5hZr1SiPu3Wl"
ALPHABET = string.ascii_letters + string.digits + "|/+=._-~"


def random_text(length: int, seed: int) -> str:
    draw = random.Random(seed)
    # What is neither letter nor digit may be left over at its ends.
    return "".join(
        (*draw.choices(string.digits, k=4), *draw.choices(ALPHABET, k=length), *draw.choices(string.digits, k=4))
    )


@given(
    secret=st.builds(random_text, st.integers(40, 150), st.integers(0, 2**32)),
    before=st.sampled_from(["", "«", "Zurückgewiesen, und zwar «"]),
)
@settings(max_examples=15, deadline=None)
def test_hides_every_form_of_a_secret(secret: str, before: str) -> None:
    for form, quote in QUOTATIONS.items():
        quoted = quote(secret)
        shown = Redactor(secret).redact(f"{before}{quoted} (room 12)")
        # The letter before a piece may happen to be the one that the secret has there.
        assert shown.startswith(before[:20]), form
        assert not is_quoted(quoted, shown), form
        # At most a few characters that are neither letters nor digits are left at its ends.
        assert len(shown) < len(f"{before}… (room 12)") + 30, form


def test_decodes_nested_encodings() -> None:
    quoted = "".join(f"%252525252525{byte:02x}" for byte in TOKEN.encode())
    assert Redactor(TOKEN).redact(f"no {quoted} here") == "no … here"


def test_hides_a_password_with_special_characters() -> None:
    password = "p ä%41\\n&'\"pw"
    for form in ("verbatim", "percent", "html", "json", "repr"):
        quoted = QUOTATIONS[form](password)
        shown = Redactor(password).redact(f"wrong password {quoted} for host")
        assert not is_quoted(quoted, shown, length=8), form
        assert shown.startswith("wrong password ")


def test_leaves_ordinary_text_unchanged() -> None:
    for text in (
        "units.get('amzn1.alexa.unit.did.AAAA'): 403 Forbidden",
        "SignatureDoesNotMatch",
        "a 50 % discount &amp; C:\\rooms\\12",
        "Bearer authorization failed: the access token is invalid",
        "device offline",
    ):
        assert Redactor(TOKEN, "off", "to", secrets.token_hex(32)).redact(text) == text


def test_leaves_ids_unchanged_whatever_the_secrets() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown if it fails
    draw = random.Random(seed)
    redactor = Redactor(TOKEN, f"{draw.getrandbits(256):064x}", base64.b64encode(draw.randbytes(900)).decode())
    ids = [f"amzn1.alexa.endpoint.did.{draw.getrandbits(160):040x}" for _ in range(2_000)]
    ids += [str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(2_000)]
    assert redactor.redact_all(ids) == ids
    assert [redactor.redact(each) for each in ids] == ids


def test_an_id_with_eight_hex_digits_of_a_secret_is_left_and_twelve_are_hidden() -> None:
    secret = "5727a9c66589620e9797de0888e03fe3d171c3c29b7e4f24073177d3d8b1c0d4"
    redactor = Redactor(secret)
    by_chance, quoted = f"unit.{secret[8:16]}-zz", f"unit.{secret[8:20]}-zz"
    assert [redactor.redact(each) for each in (by_chance, quoted, secret)] == [by_chance, "unit.…-zz", "…"]
    # A shorter one is hidden by eight, as any other secret is.
    assert Redactor("6589620e97").redact(by_chance) == "unit.…-zz"


def test_hides_one_of_many_texts_and_leaves_the_others() -> None:
    texts = [f"endpoint-{number}" for number in range(500)]
    shown = Redactor(TOKEN).redact_all([*texts, TOKEN, *texts])
    assert shown == [*texts, "…", *texts]


def test_hides_eight_letters_of_a_secret_wherever_they_are() -> None:
    redactor = Redactor(TOKEN)
    for before in range(12):
        for after in range(12):
            for piece in (TOKEN[5:13], TOKEN[-8:], TOKEN[5:9] + " " + TOKEN[9:13]):
                assert redactor.redact("x" * before + piece + "y" * after) == "x" * before + "…" + "y" * after


def test_hides_a_short_secret_as_a_word() -> None:
    for secret, text, shown in (
        ("hotel7", "password hotel7 is wrong, hotel77 is not", "password … is wrong, hotel77 is not"),
        ("p@ss", "u:p%40ss@proxy", "u:…@proxy"),
        ("abc", "abc", "abc"),
    ):
        assert Redactor(secret).redact(text) == shown


def test_hides_a_token_of_amazon_that_it_does_not_know() -> None:
    for separator in ("|", "%7C", "%257c", "&#124;", "\\u007c"):
        assert sanitize(f"cannot parse 'Atzr{separator}IwEBIKx7_mQ2vL' of row 3") == "cannot parse '…' of row 3"


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/d/r/a4b/aws4_request, SignedHeaders=h, Signature=5ec"


@pytest.mark.parametrize(
    ("headers", "body", "hidden"),
    [
        ({"Authorization": "Bearer b-token"}, b"", ["b-token"]),
        ({"Authorization": "bare-token"}, b"", ["bare-token"]),
        ({"Authorization": SIGNED}, b"", ["AKID", "5ec"]),
        ({"Authorization": "Basic dTpwdw=="}, b"", ["dTpwdw==", "pw"]),
        ({"X-Amz-Security-Token": "session-token", "X-Level": "bulk"}, b"", ["session-token"]),
        ({"X-Api-Key": "custom-key", "User-Agent": "custom-agent"}, b"", ["custom-key"]),
        (FORM, b"grant_type=refresh_token&client_id=c&refresh_token=Atzr%7Cx&client_secret=s", ["Atzr|x", "s"]),
    ],
    ids=["bearer", "bare", "signature", "basic", "short", "custom", "form"],
)
def test_finds_the_secrets_of_a_request(headers: dict[str, str], body: bytes, hidden: list[str]) -> None:
    request = httpx.Request("POST", "https://a.example/", headers=headers, content=body)
    assert secrets_of(request) == [Secret(each) for each in hidden]


def test_texts_beyond_a_budget_are_hidden_completely() -> None:
    texts = [f"{TOKEN} of room {number}" for number in range(4_000)]
    shown = Redactor(TOKEN).redact_all(texts)
    assert shown[:2] == ["… of room 0", "… of room 1"]
    taken_apart = sum(len(text) for text, seen in zip(texts, shown, strict=True) if seen != "…")
    assert 100_000 < taken_apart <= 200_000


HOSTILE = {
    "percent": "%41" * 400_000,
    "layers": "%2525252525257C" * 70_000,
    "ampersands": "&" * 1_000_000,
    "entities": "&#0000065;" * 100_000,
    "backslashes": "\\" * 1_000_000,
    "beginnings of tokens": "Atza|" * 200_000,
    "the token": TOKEN * 20_000,
    "blanks": " " * 1_000_000,
}


def test_work_is_bounded() -> None:
    started = time.process_time()
    for name, text in HOSTILE.items():
        redactor = Redactor(TOKEN, "x" * 60_000, "hotel7")
        assert len(redactor.redact(text)) <= 2_001, name
        for _ in range(5):
            assert len(redactor.sanitize(text) or "") <= 501, name
    # Reading all of each text takes minutes.
    assert time.process_time() - started < 10


async def test_hides_a_secret_that_the_shown_beginning_of_a_response_would_cut() -> None:
    class Bearer(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            request.headers["Authorization"] = f"Bearer {TOKEN}"
            yield request

    quotations = [(length, quote(TOKEN)) for quote in QUOTATIONS.values() for length in range(0, 60, 6)]
    bodies = iter(quotations)

    def echo(_: httpx.Request) -> httpx.Response:
        length, quoted = next(bodies)
        return httpx.Response(200, text=f"<{'-' * length} {quoted}>")

    transport = httpx.MockTransport(echo)
    async with SmartProperties(auth=Bearer(), transport=transport, rate_limit=RateLimit(per_second=1e6)) as client:
        for _, quoted in quotations:
            with pytest.raises(errors.DecodeError, match="it begins") as caught:
                await client.units.get("unit-1")
            assert not is_quoted(quoted, str(caught.value)), quoted
