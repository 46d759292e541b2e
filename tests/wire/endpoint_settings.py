"""The wire of settings and addresses of endpoints."""

from __future__ import annotations

from alexa_props.smart_properties.endpoint_settings import Address, Setting
from tests.wire.row import LAST_PAGE, Wire

ADDRESS = Address(
    address_line1="1 Example St",
    address_line2="",
    address_line3="c",
    city="Zürich",
    state_or_region="ZH",
    district_or_county="d",
    postal_code="8001",
    country_code="CH",
)
STREET = {
    "addressLine1": "1 Example St",
    "addressLine2": "",
    "addressLine3": "c",
    "city": "Zürich",
    "stateOrRegion": "ZH",
    "districtOrCounty": "d",
    "postalCode": "8001",
    "countryCode": "CH",
}

WIRE = {
    "endpoint_settings.get": Wire(
        lambda on: on.asp.endpoint_settings.get(on.endpoint, Setting.LOCALES),
        "GET /v2/endpoints/endpoint-1/settings/System.locales",
        response=["en-US"],
        result=("en-US",),
    ),
    "endpoint_settings.get, which has no value": Wire(
        lambda on: on.asp.endpoint_settings.get(on.endpoint, Setting.LOCALES),
        "GET /v2/endpoints/endpoint-1/settings/System.locales",
    ),
    "endpoint_settings.set": Wire(
        lambda on: on.asp.endpoint_settings.set(on.endpoint, Setting.DO_NOT_DISTURB, False),
        "PUT /v2/endpoints/endpoint-1/settings/Alexa.DoNotDisturb.doNotDisturb",
        body=False,
    ),
    "endpoint_settings.set, to an empty list": Wire(
        lambda on: on.asp.endpoint_settings.set(on.endpoint, Setting.ERROR_SUPPRESSION, []),
        "PUT /v2/endpoints/endpoint-1/settings/Alexa.ManagedDevice.Settings.errorSuppression",
        body=[],
    ),
    "endpoint_settings.get_many": Wire(
        lambda on: on.asp.endpoint_settings.get_many(on.endpoint, [Setting.LOCALES, Setting.TIME_ZONE]),
        "GET /v2/endpoints/endpoint-1/settings?keys=System.locales%2CSystem.timeZone&maxResults=2",
        response={"settings": [{"key": "System.timeZone", "value": "Europe/Paris"}], **LAST_PAGE},
        result={Setting.LOCALES: None, Setting.TIME_ZONE: "Europe/Paris"},
    ),
    "endpoint_settings.get_address": Wire(
        lambda on: on.asp.endpoint_settings.get_address(on.endpoint),
        "GET /v2/endpoints/endpoint-1/settings/address",
        response={"address": STREET},
        result=ADDRESS,
    ),
    "endpoint_settings.get_address, without the wrapper": Wire(
        lambda on: on.asp.endpoint_settings.get_address(on.endpoint),
        "GET /v2/endpoints/endpoint-1/settings/address",
        response=STREET,
        result=ADDRESS,
    ),
    "endpoint_settings.get_address, which has no value": Wire(
        lambda on: on.asp.endpoint_settings.get_address(on.endpoint),
        "GET /v2/endpoints/endpoint-1/settings/address",
    ),
    "endpoint_settings.set_address": Wire(
        lambda on: on.asp.endpoint_settings.set_address(on.endpoint, ADDRESS),
        "POST /v2/endpoints/endpoint-1/settings/address",
        idempotent=True,
        body={"address": STREET},
    ),
    "endpoint_settings.set_address, of which most is None": Wire(
        lambda on: on.asp.endpoint_settings.set_address(on.endpoint, Address(city="Ulm")),
        "POST /v2/endpoints/endpoint-1/settings/address",
        idempotent=True,
        body={"address": {"city": "Ulm"}},
    ),
}
