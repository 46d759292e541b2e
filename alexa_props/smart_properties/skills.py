"""Skills: enable and disable them for units."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_choice, require_id, require_ids, require_list, summarize
from alexa_props.client import Resource
from alexa_props.field_types import require_field_types
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.settings import Secret
from alexa_props.smart_properties.batch import BatchResult, batched, read_batch
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.protocol import numbered
from alexa_props.smart_properties.units import Unit

__all__ = [
    "OPERATIONS",
    "AccountLink",
    "AccountLinkRequest",
    "Enablement",
    "EnablementRequest",
    "EnablementStatus",
    "Expand",
    "NameFreeInvocationRequest",
    "Skill",
    "Skills",
    "Stage",
    "UnitEnablements",
]


class Stage(enum.StrEnum):
    """Stages of a skill. Enabling it at one stage does not enable it at the others."""

    DEVELOPMENT = "development"
    CERTIFICATION = "certification"
    LIVE = "live"


class EnablementStatus(enum.StrEnum):
    """Whether an enablement has taken effect."""

    ENABLING = "ENABLING"
    ENABLED = "ENABLED"


class Expand(enum.StrEnum):
    """What enablements can have in addition."""

    NAME_FREE_INVOCATION = "nameFreeInvocation"


StageLike: TypeAlias = Stage | Literal["development", "certification", "live"]
ExpandLike: TypeAlias = Expand | Literal["nameFreeInvocation"]


@attrs.frozen
class Skill:
    """A skill at one of its stages."""

    id: str
    stage: Stage | str | None = None


@attrs.frozen
class AccountLink:
    """The link of a skill to an account."""

    status: str | None = None
    """"LINKED" or "NOT_LINKED"."""


@attrs.frozen
class Enablement:
    """A skill that is enabled for a unit, or about to be."""

    skill: Skill
    unit: UnitRef | None = None
    account_link: AccountLink | None = None
    """May be missing for a skill without account linking."""
    status: EnablementStatus | str | None = None
    name_free_invocation: Any = None
    """Parsed JSON, with `expand` only. Its form is not documented."""


@attrs.frozen
class UnitEnablements:
    """The enablements of one unit of `get_many`."""

    item_id: str | None = None
    """The position of the unit in the request, from "0" (inferred)."""
    enablements: tuple[Enablement, ...] = ()


def _secret(value: str | Secret) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def _locales(value: Iterable[str]) -> tuple[str, ...]:
    return require_list("locales", value)


@attrs.frozen
class AccountLinkRequest:
    """The account to link, for skills with account linking only. The code is valid for one use."""

    auth_code: Secret = attrs.field(converter=_secret)
    redirect_uri: str
    type: Literal["AUTH_CODE"] = "AUTH_CODE"


@attrs.frozen
class NameFreeInvocationRequest:
    """The locales in which guests may use a skill without its name."""

    locales: tuple[str, ...] = attrs.field(converter=_locales)


@attrs.frozen
class EnablementRequest(Identified):
    """A unit of `enable_many` with options for this unit only; they are those of `enable`.

    In the reports and journals of `fleet` it has the id of the unit.
    """

    id_arguments = ()

    unit_id: str | Unit | UnitRef
    partition_name: str | None = None
    account_link_request: AccountLinkRequest | None = None
    name_free_invocation_request: NameFreeInvocationRequest | None = None

    @property
    def own_id(self) -> str:
        """The id of the unit."""
        return require_id("unit_id", self.unit_id)


_ALL: Final = "/v1/skills/enablements"
_ONE: Final = "/v1/skills/{skill_id}/enablements"
_CHOICES: Final = {"stage": Stage, "expand": Expand}
_MOST: Final = 100
"""Units in a batch of Amazon's command-line tool; no page has a limit."""

_api: Final = Group("skills", "skill-management-api.html")
LIST: Final = _api.list("list", _ALL, Enablement, items="items", required=("unit_id",), choices=_CHOICES)
GET: Final = _api.get("get", _ONE, Enablement, required=("unit_id",), choices=_CHOICES, subject="unit_id")
GET_MANY: Final = _api.list(
    "get_many", f"{_ALL}/batchGet", UnitEnablements, method="POST", choices={"expand": (Expand,)}
)
ENABLE: Final = _api.post("enable", _ONE, required=("unit_id",), choices=_CHOICES, subject="unit_id", check_with="get")
ENABLE_MANY: Final = _api.post("enable_many", f"{_ONE}/batch", read_batch, nullable=True, check_with="get_many")
DISABLE: Final = _api.delete("disable", _ONE, required=("unit_id",), choices=_CHOICES, subject="unit_id")
DISABLE_MANY: Final = _api.post("disable_many", f"{_ONE}/batchDelete", read_batch, nullable=True, idempotent=True)
OPERATIONS: Final = _api.operations


class Skills(Resource):
    """Enable and disable skills for units.

        await asp.skills.enable(skill_id, unit_id)
        while (await asp.skills.get(skill_id, unit_id)).status != EnablementStatus.ENABLED:
            await anyio.sleep(5)

    Each stage of a skill is enabled separately; the default is the live one. To assign a subscription to a property (a
    unit below the organization), enable its skill: see `subscriptions.SUBSCRIPTION_SKILLS`. Until it is initialized,
    units, skills and devices below are refused. A property has one subscription, which only Amazon can remove.
    """

    def list(
        self, unit_id: UnitId, *, expand: ExpandLike | None = None, page_size: int | None = None
    ) -> Pager[Enablement]:
        """List the skills that are enabled for a unit, at any stage."""
        return self._pager(LIST, unit_id=unit_id, expand=expand, page_size=page_size)

    async def get(
        self, skill_id: str, unit_id: UnitId, *, stage: StageLike = Stage.LIVE, expand: ExpandLike | None = None
    ) -> Enablement:
        """Return the enablement of a skill for a unit.

        Raises:
            NotFound: The skill is not enabled at this stage (inferred).
        """
        return await self._call(GET, skill_id=skill_id, unit_id=unit_id, stage=stage, expand=expand)

    @batched(_MOST)
    def get_many(
        self, unit_ids: Iterable[UnitId], *, expand: ExpandLike | None = None, page_size: int | None = None
    ) -> Pager[UnitEnablements]:
        """List the skills that are enabled for several units. How many units a call may name is not documented."""
        ids = require_ids("unit_ids", unit_ids)
        items = numbered("unit_ids", [{"unitId": unit_id} for unit_id in ids])
        expands = None if expand is None else [expand]
        return self._pager(GET_MANY, items=items, expand=expands, page_size=page_size, subject=summarize(ids))

    async def enable(
        self,
        skill_id: str,
        unit_id: UnitId,
        *,
        stage: StageLike = Stage.LIVE,
        partition_name: str | None = None,
        account_link_request: AccountLinkRequest | None = None,
        name_free_invocation_request: NameFreeInvocationRequest | None = None,
    ) -> None:
        """Enable a skill for a unit. Its status is ENABLING first, then ENABLED. Repeating it is not documented.

        `partition_name` limits a smart home skill to the devices of the unit; separate several names by commas. No
        account link is needed if the account of the organization has enabled the skill.
        """
        unit_id = require_id("unit_id", unit_id)
        request = EnablementRequest(unit_id, partition_name, account_link_request, name_free_invocation_request)
        require_field_types(request)
        await self._call(ENABLE, skill_id=skill_id, stage=stage, **attrs.asdict(request, recurse=False))

    @batched(_MOST)
    async def enable_many(
        self, skill_id: str, units: Iterable[UnitId | EnablementRequest], *, stage: StageLike = Stage.LIVE
    ) -> BatchResult:
        """Enable a skill for units, at least one. Whether one that fails affects the others is not documented."""
        at = require_choice("stage", stage, Stage)
        listed: tuple[UnitId | EnablementRequest, ...] = require_list("units", units)
        requests = [each if isinstance(each, EnablementRequest) else EnablementRequest(each) for each in listed]
        items = [{**each, "stage": at} for each in numbered("units", requests)]
        return await self._call(ENABLE_MANY, skill_id=skill_id, items=items) or BatchResult()

    async def disable(self, skill_id: str, unit_id: UnitId, *, stage: StageLike = Stage.LIVE) -> None:
        """Disable a skill for a unit."""
        await self._call(DISABLE, skill_id=skill_id, unit_id=unit_id, stage=stage)

    @batched(_MOST)
    async def disable_many(
        self, skill_id: str, unit_ids: Iterable[UnitId], *, stage: StageLike = Stage.LIVE
    ) -> BatchResult:
        """Disable a skill for units, at least one. Whether one that fails affects the others is not documented."""
        at = require_choice("stage", stage, Stage)
        items = [{"unitId": unit_id, "stage": at} for unit_id in require_ids("unit_ids", unit_ids)]
        return await self._call(DISABLE_MANY, skill_id=skill_id, items=numbered("unit_ids", items)) or BatchResult()
