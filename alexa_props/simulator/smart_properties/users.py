"""Create, list and delete users of the organization."""

from __future__ import annotations

import random

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import known_unit
from alexa_props.simulator.resources import Item, Resource
from alexa_props.simulator.responses import NO_STORE, Json, Problem, Response, json_response
from alexa_props.simulator.routes import route
from alexa_props.simulator.tree import identifier
from alexa_props.simulator.world import World

__all__ = ["USERS"]

# The page's form of the organization's id; samples use that of its unit.
_FORMS = ("amzn1.alexa.org.did.", "amzn1.alexa.unit.did.")


def _require_organization(context: Context, organization_id: str) -> None:
    organization = context.service.organization_id
    if organization_id not in {f"{form}{organization.rpartition('.')[2]}" for form in _FORMS}:
        raise Problem(400, "organizationId must be the id of the caller's organization.")
    known_unit(context, organization)


def _seeds(world: World) -> list[dict[str, Json]]:
    return [{"organizationId": world.organization_id}]


USERS = Resource(
    "users",
    "/v1/auth/users",
    "userId",
    "amzn1.alexa.org.user.did.",
    {"organizationId": str},
    seeds=_seeds,
).serve(delete="delete")


@route("users.list", "GET", "/v1/auth/users")
def list_users(context: Context) -> Response:
    """List all users. Only their ids are shown, because no page says what else there is."""
    organization_id = context.query.get("organizationId")
    if organization_id is None:
        raise Problem(400, "The parameter organizationId is missing.")
    _require_organization(context, organization_id)
    return USERS.page(context, USERS.items(context).values(), None)


@route("users.create", "POST", "/v1/auth/users")
def create_user(context: Context) -> Response:
    """Create a user: 201 with its tokens, which the simulator does not accept in calls."""
    body = require_members(context.json, USERS.required)
    _require_organization(context, body["organizationId"])
    user = USERS.add(context, {"organizationId": context.service.organization_id})
    return json_response({"userId": user.id, **_tokens(context.service, user)}, 201, NO_STORE)


def _tokens(world: World, user: Item) -> dict[str, Json]:
    rng = random.Random(f"{world.seed}/{user.id}")  # noqa: S311 - must be repeatable, and is valid nowhere
    return {"accessToken": f"Atza|{identifier(rng)}", "refreshToken": f"Atzr|{identifier(rng)}"}
