"""The wire of Wi-Fi. The SSIDs and the passwords are in literal quotes."""

from __future__ import annotations

from alexa_props.simulator import Simulator
from alexa_props.smart_properties.certificate_authorities import CertificateAuthorityId
from alexa_props.smart_properties.wifi import (
    CertificateAuthorityRef,
    CredentialConfiguration,
    KeyManagement,
    WifiConfiguration,
    WifiConfigurations,
    WifiStatus,
)
from tests.wire.row import Wire


def first_operation(sim: Simulator) -> str:
    return next(iter(sim.tree.endpoints[sim.endpoints[0]].state.wifi_operations))


IDS = {"wifi_operation": first_operation}

DEVICES = WifiConfiguration(
    "Devices", credential_configuration=CredentialConfiguration(private_shared_key="a password"), priority=2
)
OPEN = WifiConfiguration('a "name" 🛏', KeyManagement.NONE)


def staff(authority: CertificateAuthorityId) -> WifiConfiguration:
    credentials = CredentialConfiguration(
        eap_authentication_method="EAP_TLS",
        certificate_authority=CertificateAuthorityRef(authority),
        authentication_server_certificates=("-----BEGIN CERTIFICATE-----",),
    )
    return WifiConfiguration("staff", "WPA2_EAP", credential_configuration=credentials)


CONNECTIVITY = "/v2/endpoints/endpoint-1/features/connectivity"

WIRE = {
    "wifi.save": Wire(
        lambda on: on.asp.wifi.save([DEVICES]),
        "POST /credentiallocker/v2/saveWifiConfigurations",
        idempotent=True,
        body={
            "wifiConfigurations": [
                {
                    "ssid": '"Devices"',
                    "keyManagement": "WPAPSK",
                    "credentialConfiguration": {"privateSharedKey": '"a password"'},
                }
            ]
        },
    ),
    "wifi.save, of every kind": Wire(
        lambda on: on.asp.wifi.save(iter([staff(on.certificate_authority), OPEN])),
        "POST /credentiallocker/v2/saveWifiConfigurations",
        idempotent=True,
        body={
            "wifiConfigurations": [
                {
                    "ssid": '"staff"',
                    "keyManagement": "WPA2_EAP",
                    "credentialConfiguration": {
                        "eapAuthenticationMethod": "EAP_TLS",
                        "certificateAuthority": {"id": "certificate-authority-1", "providerName": "ALEXA_ENTERPRISE"},
                        "authenticationServerCertificates": ["-----BEGIN CERTIFICATE-----"],
                    },
                },
                {"ssid": '"a "name" 🛏"', "keyManagement": "NONE"},
            ]
        },
    ),
    "wifi.assign": Wire(
        lambda on: on.asp.wifi.assign(on.endpoint, [DEVICES]),
        f"POST {CONNECTIVITY}/addOrUpdateWifiConfigurations",
        idempotent=True,
        body={"payload": {"wifiConfigurations": [{"ssid": '"Devices"', "keyManagement": "WPAPSK", "priority": 2}]}},
        response={"submittedOperationId": "operation-x"},
        result="operation-x",
    ),
    "wifi.assign, without an id in the response": Wire(
        lambda on: on.asp.wifi.assign(on.endpoint, [WifiConfiguration("staff", "WPA2_EAP"), OPEN]),
        f"POST {CONNECTIVITY}/addOrUpdateWifiConfigurations",
        idempotent=True,
        body={
            "payload": {
                "wifiConfigurations": [
                    {"ssid": '"staff"', "keyManagement": "WPA2_EAP"},
                    {"ssid": '"a "name" 🛏"', "keyManagement": "NONE"},
                ]
            }
        },
    ),
    "wifi.get_status": Wire(
        lambda on: on.asp.wifi.get_status(on.endpoint, on.wifi_operation),
        f"GET {CONNECTIVITY}/addOrUpdateWifiConfigurations/submittedOperations/wifi-operation-1",
        response={"status": "OF_TOMORROW"},
        result=WifiStatus("OF_TOMORROW"),
    ),
    "wifi.list": Wire(
        lambda on: on.asp.wifi.list(on.endpoint),
        f"GET {CONNECTIVITY}/wifiConfigurations",
        response={
            "wifiConfigurations": [
                {"ssid": '"guest"', "keyManagement": "WPAPSK", "priority": 2},
                {"ssid": "staff", "keyManagement": "OF_TOMORROW"},
            ]
        },
        result=WifiConfigurations(
            (WifiConfiguration("guest", KeyManagement.WPAPSK, priority=2), WifiConfiguration("staff", "OF_TOMORROW"))
        ),
    ),
    "wifi.forget": Wire(
        lambda on: on.asp.wifi.forget(on.endpoint, [WifiConfiguration("old", priority=1)]),
        f"POST {CONNECTIVITY}/forgetWifiConfigurations",
        idempotent=True,
        body={"payload": {"wifiConfigurations": [{"ssid": '"old"', "keyManagement": "WPAPSK"}]}},
    ),
    "wifi.forget, without quotes": Wire(
        lambda on: on.asp.wifi.forget(on.endpoint, [OPEN], quoted=False),
        f"POST {CONNECTIVITY}/forgetWifiConfigurations",
        idempotent=True,
        body={"payload": {"wifiConfigurations": [{"ssid": 'a "name" 🛏', "keyManagement": "NONE"}]}},
    ),
}
