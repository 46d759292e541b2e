"""Certificate authorities for WPA2 enterprise Wi-Fi: they issue the certificates of the devices."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs

from alexa_props.arguments import Identified
from alexa_props.client import Resource
from alexa_props.codec import Lenient, PlainText
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.protocol import EXPAND, plain_text

__all__ = ["OPERATIONS", "CertificateAuthorities", "CertificateAuthority", "CertificateAuthorityId", "RotationPeriod"]

_Months: TypeAlias = Literal[6, 12]


@attrs.frozen
class RotationPeriod:
    """How often the service replaces the certificates of the devices."""

    value: int
    interval: str = "MONTHS"


@attrs.frozen
class CertificateAuthority(Identified, Lenient):
    """A certificate authority. Methods that take its id take it too. Only the id and the csr are documented."""

    id_arguments = ("certificate_authority_id",)

    id: str
    friendly_name: PlainText | None = None
    rotation_period: RotationPeriod | None = None
    csr: str | None = attrs.field(default=None, repr=False)
    """The certificate signing request, PEM text. Only with `expand="all"`; it may follow the creation later."""


CertificateAuthorityId: TypeAlias = str | CertificateAuthority

_ALL: Final = "/v1/enterprise/certificateAuthorities"
_ONE: Final = f"{_ALL}/{{certificate_authority_id}}"

_api: Final = Group("certificate_authorities", "enterprise-api-for-asp.html", "credential_locker::wifi_management")
CREATE: Final = _api.post("create", _ALL, CertificateAuthority, check_with="list")
LIST: Final = _api.list("list", _ALL, CertificateAuthority, choices=EXPAND)
GET: Final = _api.get("get", _ONE, CertificateAuthority, choices=EXPAND)
UPDATE: Final = _api.put("update", _ONE)
IMPORT_CERTIFICATE: Final = _api.post("import_certificate", f"{_ONE}/importCertificate", check_with="get")
DELETE: Final = _api.delete("delete", _ONE)
OPERATIONS: Final = _api.operations


def _rotation(months: _Months) -> RotationPeriod:
    if not isinstance(months, int) or months not in (6, 12):
        raise ConfigurationError(f"rotation_months must be 6 or 12, not {months!r:.80}")
    return RotationPeriod(months)


def _pem(argument: str, text: str) -> str:
    """Return PEM text of certificates. Messages do not show it, because it may hold a private key."""
    if not isinstance(text, str) or "-----BEGIN CERTIFICATE-----" not in text:
        raise ConfigurationError(f"{argument} must be PEM text with a line -----BEGIN CERTIFICATE-----")
    if "PRIVATE KEY-----" in text:
        raise ConfigurationError(f"{argument} must not contain the private key, which stays with your own authority")
    return text


class CertificateAuthorities(Resource):
    """Create certificate authorities for enterprise Wi-Fi, sign them with your own authority, and delete them.

        authority_id = await asp.certificate_authorities.create("Campus Wi-Fi", rotation_months=12)
        authority = await asp.certificate_authorities.get(authority_id, expand="all")
        print(authority.csr)

    Let your own authority sign the `csr`, and import the result. A Wi-Fi configuration with EAP-TLS can then name the
    certificate authority. The account needs the package WPA2 Enterprise Wi-Fi.
    """

    async def create(self, name: str, *, rotation_months: _Months) -> str:
        """Create a certificate authority and return its id. Devices get new certificates every 6 or 12 months."""
        period = _rotation(rotation_months)
        return (await self._call(CREATE, friendly_name=plain_text("name", name), rotation_period=period)).id

    def list(
        self, *, expand: Literal["all"] | None = None, page_size: int | None = None
    ) -> Pager[CertificateAuthority]:
        """List certificate authorities: only the ids, unless `expand` is "all"."""
        return self._pager(LIST, expand=expand, page_size=page_size)

    async def get(
        self, certificate_authority_id: CertificateAuthorityId, *, expand: Literal["all"] | None = None
    ) -> CertificateAuthority:
        """Return a certificate authority, with its signing request if `expand` is "all"."""
        return await self._call(GET, certificate_authority_id=certificate_authority_id, expand=expand)

    async def update(
        self,
        certificate_authority_id: CertificateAuthorityId,
        *,
        name: str | None = None,
        rotation_months: _Months | None = None,
    ) -> None:
        """Change the name, the rotation period, or both."""
        if name is None and rotation_months is None:
            raise ConfigurationError("give at least one of name and rotation_months")
        await self._call(
            UPDATE,
            certificate_authority_id=certificate_authority_id,
            friendly_name=None if name is None else plain_text("name", name),
            rotation_period=None if rotation_months is None else _rotation(rotation_months),
        )

    async def import_certificate(
        self, certificate_authority_id: CertificateAuthorityId, certificate: str, certificate_chain: str
    ) -> None:
        """Import the certificate that your own authority issued, and the certificates of that authority.

        Both are PEM text, not base64-encoded again. A private key is refused.
        """
        await self._call(
            IMPORT_CERTIFICATE,
            certificate_authority_id=certificate_authority_id,
            certificate=_pem("certificate", certificate),
            certificate_chain=_pem("certificate_chain", certificate_chain),
        )

    async def delete(self, certificate_authority_id: CertificateAuthorityId) -> None:
        """Delete a certificate authority. What happens to devices with its certificates is not documented."""
        await self._call(DELETE, certificate_authority_id=certificate_authority_id)
