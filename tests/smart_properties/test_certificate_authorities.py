"""Certificate authorities: which certificates are sent, and what messages and reprs do not show."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.certificate_authorities import CertificateAuthority
from tests.helpers import Service, answer, smart_properties

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBpublic\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCsecretsecretsecret\n-----END EC PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "text", [KEY, CERTIFICATE + KEY, KEY.encode(), "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t", "", None]
)
async def test_only_certificates_are_sent_and_a_private_key_is_not_shown(text: Any) -> None:
    service = Service(204)
    authorities = smart_properties(service).certificate_authorities
    for name, arguments in (("certificate", (text, CERTIFICATE)), ("certificate_chain", (CERTIFICATE, text))):
        with pytest.raises(errors.ConfigurationError, match=f"^{name} must ") as caught:
            await authorities.import_certificate("authority", *arguments)
        assert "secret" not in repr(caught.value)
    assert service.seen == []


async def test_text_around_a_certificate_is_sent_unchanged() -> None:
    service = Service(204)
    text = f"Bag Attributes: <none>\r\n{CERTIFICATE}"
    await smart_properties(service).certificate_authorities.import_certificate("authority", text, text)
    assert service.seen[0].json == {"certificate": text, "certificateChain": text}


async def test_a_repr_has_neither_the_request_nor_the_raw_response() -> None:
    service = Service(answer(200, {"id": "a", "csr": "-----BEGIN CERTIFICATE REQUEST-----", "more": "hidden"}))
    authority = await smart_properties(service).certificate_authorities.get("a", expand="all")
    assert authority.raw["more"] == "hidden"
    assert repr(authority) == "CertificateAuthority(id='a', friendly_name=None, rotation_period=None)"


async def test_an_authority_has_an_id_and_nothing_else_for_certain() -> None:
    odd = {"id": "a", "friendlyName": "plain", "rotationPeriod": {"value": "often"}, "csr": ["one"]}
    authorities = smart_properties(Service(answer(200, odd), answer(200, {"csr": "text"}))).certificate_authorities
    assert await authorities.get("a") == CertificateAuthority("a")
    with pytest.raises(errors.DecodeError, match="a required member, id, is missing"):
        await authorities.get("a")


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("rotation_months must be 6 or 12, not 7", lambda group: group.create("Campus", rotation_months=7)),
        ("rotation_months must be 6 or 12, not True", lambda group: group.update("a", rotation_months=True)),
        ("rotation_months must be 6 or 12, not '6'", lambda group: group.update("a", rotation_months="6")),
        ("name must be a non-empty string", lambda group: group.create("", rotation_months=6)),
        ("give at least one of name and rotation_months", lambda group: group.update("a")),
    ],
)
async def test_rejects_invalid_arguments(message: str, call: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=message):
        await call(smart_properties(service).certificate_authorities)
    assert service.seen == []


async def test_a_creation_with_an_unclear_outcome_says_where_to_look() -> None:
    service = Service(500)
    with pytest.raises(errors.ServerError, match=r"check with certificate_authorities\.list"):
        await smart_properties(service).certificate_authorities.create("Campus", rotation_months=6)
    assert len(service.seen) == 1
