"""Certificate authorities: from the creation to the import of a certificate, and what is refused."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.certificate_authorities import RotationPeriod

ALL = "/v1/enterprise/certificateAuthorities"


def signed(csr: str) -> str:
    """Sign a request, as the user's own authority does."""
    request = x509.load_pem_x509_csr(csr.encode())
    assert request.is_signature_valid
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(request.subject)
        .public_key(request.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


async def test_a_signing_request_follows_and_its_certificate_is_imported(sim: Simulator, seconds: list[float]) -> None:
    sim.delay_effect(60, "certificate_authorities.create")
    async with sim.smart_properties() as asp:
        authorities = asp.certificate_authorities
        known = [authority.id async for authority in authorities.list()]
        authority_id = await authorities.create("Campus Wi-Fi", rotation_months=12)
        assert [authority.id async for authority in authorities.list()] == [*known, authority_id]

        assert (await authorities.get(authority_id, expand="all")).csr is None
        pem = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"
        with pytest.raises(errors.BadRequest, match="no signing request yet"):
            await authorities.import_certificate(authority_id, pem, pem)
        seconds[0] = 60
        authority = await authorities.get(authority_id, expand="all")
        assert authority in [each async for each in authorities.list(expand="all")]
        assert (await authorities.get(authority)).csr is None
        assert authority.csr is not None
        await authorities.import_certificate(authority, signed(authority.csr), pem)

        await authorities.update(authority, rotation_months=6)
        await authorities.update(authority, name="Library")
        authority = await authorities.get(authority)
        assert (authority.friendly_name, authority.rotation_period) == ("Library", RotationPeriod(6))
        await authorities.delete(authority)
        with pytest.raises(errors.NotFound):
            await authorities.get(authority)


NAME = {"type": "PLAIN", "value": {"text": "Campus"}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"friendlyName": NAME}),
        ("POST", "", {"friendlyName": "Campus", "rotationPeriod": {"value": 12, "interval": "MONTHS"}}),
        ("POST", "", {"friendlyName": NAME, "rotationPeriod": {"value": 7, "interval": "MONTHS"}}),
        ("PUT", "/ID", {}),
        ("PUT", "/ID", {"rotationPeriod": {"value": 12, "interval": "DAYS"}}),
        ("POST", "/ID/importCertificate", {"certificate": "LS0tLS1CRUdJTg==", "certificateChain": "LS0tLS1CRUdJTg=="}),
        ("GET", "/ID?expand=csr", None),
    ],
)
async def test_rejects_invalid_requests(
    api: httpx.AsyncClient, sim: Simulator, method: str, path: str, body: object
) -> None:
    async with sim.smart_properties() as asp:
        [first] = await asp.certificate_authorities.list()
    response = await api.request(method, ALL + path.replace("ID", first.id), json=body)
    assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST")
