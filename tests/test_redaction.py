"""Hiding secrets in text from outside: every form of a quotation, no ordinary text, and bounded work."""

from __future__ import annotations

import base64
import random
import secrets
import string
import time
import uuid

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("form", QUOTATIONS)
@given(
    secret=st.builds(random_text, st.integers(40, 150), st.integers(0, 2**32)),
    before=st.sampled_from(["", "«", "Zurückgewiesen, und zwar «"]),
)
@settings(max_examples=15)
def test_hides_every_form_of_a_secret(form: str, secret: str, before: str) -> None:
    quoted = QUOTATIONS[form](secret)
    shown = Redactor(secret).redact(f"{before}{quoted} (room 12)")
    # The letter before a piece may happen to be the one that the secret has there.
    assert shown.startswith(before[:20])
    assert not is_quoted(quoted, shown)
    # At most a few signs that are neither letters nor digits are left at its ends.
    assert len(shown) < len(f"{before}… (room 12)") + 30


def test_undoes_many_encodings_one_within_another() -> None:
    quoted = "".join(f"%252525252525{byte:02x}" for byte in TOKEN.encode())
    assert Redactor(TOKEN).redact(f"no {quoted} here") == "no … here"


@pytest.mark.parametrize("form", ["verbatim", "percent", "html", "json", "repr"])
def test_hides_a_password_of_odd_characters(form: str) -> None:
    password = "p ä%41\\n&'\"pw"
    assert is_quoted(QUOTATIONS[form](password), QUOTATIONS[form](password), length=8)
    shown = Redactor(password).redact(f"wrong password {QUOTATIONS[form](password)} for host")
    assert not is_quoted(QUOTATIONS[form](password), shown, length=8)
    assert shown.startswith("wrong password ")


@pytest.mark.parametrize(
    "text",
    [
        "units.get('amzn1.alexa.unit.did.AAAA'): 403 Forbidden",
        "SignatureDoesNotMatch",
        "a 50 % discount &amp; C:\\rooms\\12",
        "Bearer authorization failed: the access token is invalid",
        "device offline",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor(TOKEN, "off", "to", secrets.token_hex(32)).redact(text) == text


def test_ids_stay_as_they_are_whatever_the_secrets() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where it fails
    draw = random.Random(seed)
    redactor = Redactor(TOKEN, f"{draw.getrandbits(256):064x}", base64.b64encode(draw.randbytes(900)).decode())
    ids = [f"amzn1.alexa.endpoint.did.{draw.getrandbits(160):040x}" for _ in range(5_000)]
    ids += [str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(5_000)]
    assert redactor.redact_all(ids) == ids
    assert [redactor.redact(each) for each in ids] == ids


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


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("hotel7", "password hotel7 is wrong, hotel77 is not", "password … is wrong, hotel77 is not"),
        ("p@ss", "u:p%40ss@proxy", "u:…@proxy"),
        ("abc", "abc", "abc"),
    ],
)
def test_a_short_secret_is_hidden_as_a_word(secret: str, text: str, shown: str) -> None:
    assert Redactor(secret).redact(text) == shown


@pytest.mark.parametrize("separator", ["|", "%7C", "%257c", "&#124;", "\\u007c"])
def test_hides_a_token_of_amazon_that_it_does_not_know(separator: str) -> None:
    assert sanitize(f"cannot parse 'Atzr{separator}IwEBIKx7_mQ2vL' of row 3") == "cannot parse '…' of row 3"


@pytest.mark.parametrize(
    ("headers", "body", "hidden"),
    [
        ({"Authorization": "Bearer b-token"}, b"", ["b-token"]),
        ({"Authorization": "bare-token"}, b"", ["bare-token"]),
        (
            {"Authorization": "AWS4-HMAC-SHA256 Credential=AKID/d/r/a4b/aws4_request, SignedHeaders=h, Signature=5ec"},
            b"",
            ["AKID", "5ec"],
        ),
        ({"Authorization": "Basic dTpwdw=="}, b"", ["dTpwdw==", "pw"]),
        ({"X-Amz-Security-Token": "session"}, b"", []),
        ({"X-Amz-Security-Token": "session-token"}, b"", ["session-token"]),
        (
            {"X-Api-Key": "key-of-ones-own", "User-Agent": "agent-of-ones-own", "X-Level": "bulk"},
            b"",
            ["key-of-ones-own"],
        ),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"grant_type=refresh_token&client_id=c&refresh_token=Atzr%7Cx&client_secret=s",
            ["Atzr|x", "s"],
        ),
    ],
)
def test_knows_the_secrets_of_a_request(headers: dict[str, str], body: bytes, hidden: list[str]) -> None:
    request = httpx.Request("POST", "https://a.example/", headers=headers, content=body)
    assert secrets_of(request) == [Secret(each) for each in hidden]


def test_texts_beyond_a_budget_are_hidden_as_a_whole() -> None:
    texts = [f"{TOKEN} of room {number}" for number in range(10_000)]
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


@pytest.mark.parametrize("name", HOSTILE)
def test_work_is_bounded(name: str) -> None:
    text = HOSTILE[name]
    redactor = Redactor(TOKEN, "x" * 60_000, "hotel7")
    assert len(redactor.redact(text)) <= 2_001
    started = time.process_time()
    for _ in range(50):
        assert len(redactor.sanitize(text) or "") <= 501
    # Reading all of it 50 times takes minutes.
    assert time.process_time() - started < 10
