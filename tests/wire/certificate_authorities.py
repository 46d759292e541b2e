"""The wire of certificate authorities."""

from __future__ import annotations

from alexa_props.simulator.smart_properties.certificate_authorities import AUTHORITIES, CSR
from alexa_props.smart_properties.certificate_authorities import CertificateAuthority, RotationPeriod
from tests.wire.row import LAST_PAGE, Wire

IDS = {"certificate_authority": lambda sim: AUTHORITIES.ids(sim)[0]}
MODELS = {"certificate_authority": CertificateAuthority("certificate-authority-1")}

ALL = "/v1/enterprise/certificateAuthorities"
ONE = f"{ALL}/certificate-authority-1"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
NAME = {"type": "PLAIN", "value": {"text": "Campus Wi-Fi"}}
FULL = {
    "id": "certificate-authority-1",
    "friendlyName": NAME,
    "rotationPeriod": {"value": 12, "interval": "MONTHS"},
    "csr": CSR,
}
AUTHORITY = CertificateAuthority("certificate-authority-1", "Campus Wi-Fi", RotationPeriod(12), CSR)

WIRE = {
    "certificate_authorities.create": Wire(
        lambda on: on.asp.certificate_authorities.create("Campus Wi-Fi", rotation_months=12),
        f"POST {ALL}",
        idempotent=False,
        body={"friendlyName": NAME, "rotationPeriod": {"value": 12, "interval": "MONTHS"}},
        response={"id": "certificate-authority-1"},
        result="certificate-authority-1",
    ),
    "certificate_authorities.list": Wire(
        lambda on: on.asp.certificate_authorities.list(),
        f"GET {ALL}",
        response={"results": [{"id": "a"}, {"id": "b", "rotationPeriod": "yearly"}], **LAST_PAGE},
        result=[CertificateAuthority("a"), CertificateAuthority("b")],
    ),
    "certificate_authorities.list, with every argument": Wire(
        lambda on: on.asp.certificate_authorities.list(expand="all", page_size=5),
        f"GET {ALL}?expand=all&maxResults=5",
        response={"results": [FULL]},
        result=[AUTHORITY],
    ),
    "certificate_authorities.get": Wire(
        lambda on: on.asp.certificate_authorities.get(on.certificate_authority),
        f"GET {ONE}",
        response={"id": "certificate-authority-1", "status": "ACTIVE"},
        result=CertificateAuthority("certificate-authority-1"),
    ),
    "certificate_authorities.get, with every argument": Wire(
        lambda on: on.asp.certificate_authorities.get(on.certificate_authority, expand="all"),
        f"GET {ONE}?expand=all",
        response=FULL,
        result=AUTHORITY,
    ),
    "certificate_authorities.update": Wire(
        lambda on: on.asp.certificate_authorities.update(on.certificate_authority, rotation_months=6),
        f"PUT {ONE}",
        body={"rotationPeriod": {"value": 6, "interval": "MONTHS"}},
    ),
    "certificate_authorities.update, with every argument": Wire(
        lambda on: on.asp.certificate_authorities.update(
            on.certificate_authority, name="Campus Wi-Fi", rotation_months=12
        ),
        f"PUT {ONE}",
        body={"friendlyName": NAME, "rotationPeriod": {"value": 12, "interval": "MONTHS"}},
    ),
    "certificate_authorities.import_certificate": Wire(
        lambda on: on.asp.certificate_authorities.import_certificate(on.certificate_authority, PEM, PEM * 2),
        f"POST {ONE}/importCertificate",
        idempotent=False,
        body={"certificate": PEM, "certificateChain": PEM * 2},
    ),
    "certificate_authorities.delete": Wire(
        lambda on: on.asp.certificate_authorities.delete(on.certificate_authority), f"DELETE {ONE}"
    ),
}
