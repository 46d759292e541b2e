"""The profile of the account, from Login with Amazon."""

from __future__ import annotations

import random

from alexa_props.simulator.context import Context
from alexa_props.simulator.responses import Response, json_response
from alexa_props.simulator.routes import route
from alexa_props.simulator.tree import identifier
from alexa_props.simulator.world import World

__all__ = ["account_id"]


def account_id(world: World, number: int = 0) -> str:
    """Return the id of the account that the credentials belong to, or of another account by its number from 1."""
    rng = random.Random(f"{world.seed}/account/{number}")  # noqa: S311 - must be repeatable
    return f"amzn1.account.{identifier(rng)}"


@route("login.profile", "GET", "/user/profile")
def profile(context: Context) -> Response:
    """Return the id of the account. Its name and its email take a scope that the simulator does not grant."""
    return json_response({"user_id": account_id(context.service)})
