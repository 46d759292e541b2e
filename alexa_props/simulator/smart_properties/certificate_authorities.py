"""Certificate authorities for enterprise Wi-Fi. The signing request of each is there when the creation takes effect."""

from __future__ import annotations

from typing import Any

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import name_text
from alexa_props.simulator.resources import Item, Resource
from alexa_props.simulator.responses import Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.store import Key

CSR = """\
-----BEGIN CERTIFICATE REQUEST-----
MIIBBTCBrQIBADBLMR8wHQYDVQQKDBZBbGV4YSBTbWFydCBQcm9wZXJ0aWVzMSgw
JgYDVQQDDB9TaW11bGF0ZWQgY2VydGlmaWNhdGUgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEAjB5ktLhQ+O5PsazUGXJl5I2Ap8RUEK1mhddqIGu
s2zCQN+qxe5jHpPzxKl6Gf4tPA9Wf2DPNBJg8/MguferAqAAMAoGCCqGSM49BAMC
A0cAMEQCIAZGvpg//UhZ9sFyvZ6jfoYuxKdSypDXYQ/3uXK/1RHDAiA9XoebAjr/
9Zm6D8fn6qogLVyVtLoBYgyTOh1dUjF6iA==
-----END CERTIFICATE REQUEST-----
"""
"""A valid request, so that tests can sign it: the same for all authorities. Its key was discarded."""

AUTHORITIES = Resource(
    *("certificate_authorities", "/v1/enterprise/certificateAuthorities", "certificateAuthorityId"),
    "amzn1.alexa.enterprise.certificateAuthority.did.",
    id_member="id",
    expands=True,
    seeds=lambda _: [
        {
            "friendlyName": {"type": "PLAIN", "value": {"text": "Simulated Wi-Fi"}},
            "rotationPeriod": {"value": 12, "interval": "MONTHS"},
        }
    ],
)
ONE = f"{AUTHORITIES.path}/{{certificateAuthorityId}}"

READY: Key[dict[str, float]] = Key("signing requests", lambda _: {})
"""When the signing request of each authority is there, on the monotonic clock. Those of the seeds always are."""


def _is_ready(context: Context, item: Item) -> bool:
    return context.service.store[READY].get(item.id, context.time) <= context.time


def _check(body: dict[str, Any]) -> dict[str, Any]:
    """Check name and rotation period, if they are there, and return them."""
    known: dict[str, Any] = {name: body[name] for name in ("friendlyName", "rotationPeriod") if name in body}
    if "friendlyName" in known:
        name_text(known["friendlyName"])
    if "rotationPeriod" in known:
        period = require_members(known["rotationPeriod"], {"value": int, "interval": str})
        if period["value"] not in (6, 12) or period["interval"] != "MONTHS":
            raise Problem(400, "rotationPeriod must be 6 or 12 MONTHS.")
    return known


@route("certificate_authorities.create", "POST", AUTHORITIES.path)
def create(context: Context) -> Response:
    """Create a certificate authority: 201 and its id. A request that is sent twice creates two."""
    body = _check(require_members(context.json, {"friendlyName": dict, "rotationPeriod": dict}))
    item = AUTHORITIES.add(context, body)
    context.service.store[READY][item.id] = context.effective_from
    return json_response({"id": item.id}, 201)


@route("certificate_authorities.list", "GET", AUTHORITIES.path)
def list_authorities(context: Context) -> Response:
    """List certificate authorities, with `expand=all` in full."""
    items = list(AUTHORITIES.items(context).values())
    for item in items:
        if _is_ready(context, item):
            item.body["csr"] = CSR
    return AUTHORITIES.page(context, items, None)


@route("certificate_authorities.get", "GET", ONE)
def get(context: Context) -> Response:
    """Return a certificate authority; the signing request only with `expand=all`."""
    item = AUTHORITIES.find(context)
    expands = context.query.getlist("expand")
    if any(expand != "all" for expand in expands):
        raise Problem(400, "expand must be all.")
    shown = {"id": item.id, **item.body}
    shown.pop("csr", None)
    return json_response({**shown, "csr": CSR} if expands and _is_ready(context, item) else shown)


@route("certificate_authorities.update", "PUT", ONE)
def update(context: Context) -> Response:
    """Change the name, the rotation period, or both."""
    item, changes = AUTHORITIES.find(context), _check(require_members(context.json, {}))
    if not changes:
        raise Problem(400, "friendlyName or rotationPeriod is required.")
    item.body.update(changes)
    return no_content()


@route("certificate_authorities.import_certificate", "POST", f"{ONE}/importCertificate")
def import_certificate(context: Context) -> Response:
    """Accept PEM text, once the signing request is there (inferred). It does not have to belong to the request."""
    item = AUTHORITIES.find(context)
    body = require_members(context.json, {"certificate": str, "certificateChain": str})
    for name in ("certificate", "certificateChain"):
        if not body[name].lstrip().startswith("-----BEGIN CERTIFICATE-----"):
            raise Problem(400, f"{name} must be PEM text of a certificate.")
    if not _is_ready(context, item):
        raise Problem(400, "The certificate authority has no signing request yet.")
    return no_content()


AUTHORITIES.serve(delete="delete")
