"""Wi-Fi of endpoints: networks that the account saves, and the endpoints that they are assigned to."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Final

import attrs

from alexa_props.arguments import id_of, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_field_types, require_models, require_type
from alexa_props.operation import Group, Options
from alexa_props.settings import Secret
from alexa_props.smart_properties.certificate_authorities import CertificateAuthorityId
from alexa_props.smart_properties.ids import EndpointId
from alexa_props.smart_properties.protocol import codec, optional_member

__all__ = [
    "OPERATIONS",
    "CertificateAuthorityRef",
    "CredentialConfiguration",
    "KeyManagement",
    "Wifi",
    "WifiConfiguration",
    "WifiConfigurations",
    "WifiStatus",
]


class KeyManagement(enum.StrEnum):
    """How a network authenticates devices."""

    NONE = "NONE"
    WPAPSK = "WPAPSK"
    WPA2_EAP = "WPA2_EAP"


def _authority_id(authority: CertificateAuthorityId) -> Any:
    return id_of("certificate_authority_id", authority)


@attrs.frozen
class CertificateAuthorityRef:
    """The certificate authority that issues certificates to devices, by its id or as a `CertificateAuthority`."""

    id: str = attrs.field(converter=_authority_id)
    provider_name: str = "ALEXA_ENTERPRISE"


def _secret(key: str | Secret | None) -> Secret | None:
    # Whether it is text is checked when it is sent: here, a traceback would show it.
    return key if key is None or isinstance(key, Secret) else Secret(key)


@attrs.frozen(kw_only=True)
class CredentialConfiguration:
    """Credentials to join a network: a password or, with WPA2_EAP, certificates."""

    private_shared_key: Secret | None = attrs.field(default=None, converter=_secret)
    """The password without quotes, a string or a `Secret`. It is in no repr and no message."""
    eap_authentication_method: str | None = None
    """Such as "EAP_TLS"."""
    certificate_authority: CertificateAuthorityRef | None = None
    authentication_server_certificates: tuple[str, ...] | None = None
    """Certificates in PEM format."""


@attrs.frozen
class WifiConfiguration:
    """A Wi-Fi network, identified by its name and its key management."""

    ssid: str
    """The name without quotes: the wire has it in literal quotes, which are added and removed."""
    key_management: KeyManagement | str = KeyManagement.WPAPSK
    priority: int | None = attrs.field(default=None, kw_only=True)
    """Only for `assign`."""
    credential_configuration: CredentialConfiguration | None = attrs.field(default=None, kw_only=True)
    """Only for `save`."""


@attrs.frozen
class WifiConfigurations(Lenient):
    """The networks of an endpoint. No page shows the form of the response."""

    wifi_configurations: tuple[WifiConfiguration, ...] = ()


@attrs.frozen
class WifiStatus(Lenient):
    """The progress of an assignment. No page shows the form of the response."""

    status: str | None = None
    """Its values are not documented."""


def _read(body: Any) -> WifiConfigurations:
    found = codec.structure(body, WifiConfigurations)
    networks = tuple(attrs.evolve(each, ssid=_unquoted(each.ssid)) for each in found.wifi_configurations)
    return attrs.evolve(found, wifi_configurations=networks)


_CONNECTIVITY: Final = "/v2/endpoints/{endpoint_id}/features/connectivity"
_ASSIGN: Final = f"{_CONNECTIVITY}/addOrUpdateWifiConfigurations"

_api: Final = Group("wifi", "endpoint-wifi-api.html", "credential_locker::wifi_management")
ASSIGN: Final = _api.post("assign", _ASSIGN, optional_member("submittedOperationId"), nullable=True, idempotent=True)
GET_STATUS: Final = _api.get("get_status", f"{_ASSIGN}/submittedOperations/{{operation_id}}", WifiStatus)
FORGET: Final = _api.post("forget", f"{_CONNECTIVITY}/forgetWifiConfigurations", idempotent=True)
LIST: Final = _api.get("list", f"{_CONNECTIVITY}/wifiConfigurations", _read, secret=True)
_LOCKER: Final[Options] = {"idempotent": True, "host": "credential locker", "token_header": "x-amz-access-token"}
SAVE: Final = _api.post("save", "/credentiallocker/v2/saveWifiConfigurations", **_LOCKER)
OPERATIONS: Final = _api.operations


class Wifi(Resource):
    """Save Wi-Fi networks in the account, and assign them to endpoints.

        guest = WifiConfiguration("Guest", credential_configuration=CredentialConfiguration(private_shared_key="…"))
        await asp.wifi.save([guest])
        operation_id = await asp.wifi.assign(endpoint_id, [guest])
        print(await asp.wifi.get_status(endpoint_id, operation_id))

    A token needs the scope `credential_locker::wifi_management` in addition. To replace a network, assign the new one
    and check that the device is online. Forget the old one last: a device without a network cannot be reached.
    """

    async def save(self, configurations: Iterable[WifiConfiguration]) -> None:
        """Save networks in the credential locker. They replace those with the same name and key management."""
        sent = _prepare(configurations, "priority")
        await self._call(SAVE, wifi_configurations=sent, subject=summarize([_unquoted(each.ssid) for each in sent]))

    async def assign(self, endpoint_id: EndpointId, configurations: Iterable[WifiConfiguration]) -> str | None:
        """Add saved networks to an endpoint, or update them. Return an id for `get_status`; None if there is none.

        The device must be online, and can have 32 networks. It installs them after the call.
        """
        sent = _prepare(configurations, "credential_configuration", most=32)
        return await self._call(ASSIGN, endpoint_id=endpoint_id, payload={"wifiConfigurations": sent})

    async def get_status(self, endpoint_id: EndpointId, operation_id: str) -> WifiStatus:
        """Return the progress of an assignment."""
        return await self._call(GET_STATUS, endpoint_id=endpoint_id, operation_id=operation_id)

    async def list(self, endpoint_id: EndpointId) -> WifiConfigurations:
        """Return the networks of an endpoint."""
        return await self._call(LIST, endpoint_id=endpoint_id)

    async def forget(
        self, endpoint_id: EndpointId, configurations: Iterable[WifiConfiguration], *, quoted: bool = True
    ) -> None:
        """Remove networks from an endpoint. They stay saved in the account.

        Amazon's command-line tool sends names without literal quotes here, and only here: try `quoted=False` if the
        service does not find them.
        """
        require_type("quoted", quoted, bool)
        sent = _prepare(configurations, "credential_configuration", "priority", quoted=quoted)
        await self._call(FORGET, endpoint_id=endpoint_id, payload={"wifiConfigurations": sent})


def _prepare(
    configurations: Iterable[WifiConfiguration], *omitted: str, most: int | None = None, quoted: bool = True
) -> list[WifiConfiguration]:
    """Return networks as they are sent: with names and passwords in literal quotes, and without some members."""
    sent = []
    for each in require_models("configurations", configurations, WifiConfiguration, most):
        if not each.ssid:
            raise ConfigurationError("configurations must have an ssid each")
        credentials = each.credential_configuration
        if credentials is not None and credentials.private_shared_key is not None:
            require_field_types(credentials)
            credentials = attrs.evolve(credentials, private_shared_key=_quoted(credentials.private_shared_key))
        changes = {"ssid": f'"{each.ssid}"' if quoted else each.ssid, "credential_configuration": credentials}
        sent.append(attrs.evolve(each, **changes | dict.fromkeys(omitted)))
    return sent


def _quoted(key: Secret) -> Secret:
    """Return a password in literal quotes; raises `ConfigurationError` that does not show it."""
    if not isinstance(key.reveal(), str) or not key.reveal():
        raise ConfigurationError("private_shared_key must be text, not empty")
    return Secret(f'"{key.reveal()}"')


def _unquoted(ssid: str) -> str:
    return ssid[1:-1] if len(ssid) > 1 and ssid[0] == ssid[-1] == '"' else ssid
