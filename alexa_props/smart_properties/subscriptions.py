"""The skills that are subscriptions: enabling one for a property assigns the subscription to the property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

__all__ = ["SUBSCRIPTION_SKILLS", "Vertical"]

Vertical: TypeAlias = Literal["core", "healthcare", "hospitality", "seniorLiving"]

SUBSCRIPTION_SKILLS: Final[Mapping[tuple[Vertical, str], str]] = {
    ("core", "US"): "amzn1.ask.skill.b4ca54a9-5e5f-4c60-93a0-d4cbd48640f2",
    ("healthcare", "US"): "amzn1.ask.skill.90c5a544-3ea5-459e-8275-b925a0f84224",
    ("hospitality", "CA"): "amzn1.ask.skill.eac80ad0-ab7d-41db-9f21-1e34747c7cb5",
    ("hospitality", "DE"): "amzn1.ask.skill.de46bda1-550d-4381-9a08-17204f9e935e",
    ("hospitality", "ES"): "amzn1.ask.skill.b70682dd-67b0-4775-acae-f8d2ee278322",
    ("hospitality", "FR"): "amzn1.ask.skill.3c136caa-8b11-4210-a5e9-7bdd9f2c606a",
    ("hospitality", "IT"): "amzn1.ask.skill.fba6aef7-cc2c-474a-992a-68b118970548",
    ("hospitality", "JP"): "amzn1.ask.skill.ae0c1da0-5068-4b71-ac8e-d4f3c230ef84",
    ("hospitality", "UK"): "amzn1.ask.skill.06322139-c2a9-4c59-a4b6-354b37aafb33",
    ("hospitality", "US"): "amzn1.ask.skill.a4697856-173d-4b66-91a3-ef4b083992f5",
    ("seniorLiving", "CA"): "amzn1.ask.skill.2d1e40fa-3611-41d2-8b41-f4fb76ab4829",
    ("seniorLiving", "DE"): "amzn1.ask.skill.bf08c62f-49e9-4318-a79d-b7eb0787f62f",
    ("seniorLiving", "ES"): "amzn1.ask.skill.54da35b3-2ba1-489c-8034-8eca7b12a29b",
    ("seniorLiving", "FR"): "amzn1.ask.skill.45e4d2c4-54b4-4186-af3f-3f51d22e45f6",
    ("seniorLiving", "IT"): "amzn1.ask.skill.19d6addf-71d4-43ae-8dba-1b83142db872",
    ("seniorLiving", "JP"): "amzn1.ask.skill.5e0d3ba5-3e4f-4c83-8e24-0e6791451d8d",
    ("seniorLiving", "UK"): "amzn1.ask.skill.a501f73e-aaf7-4d9b-a5b4-67c37b1bbabf",
    ("seniorLiving", "US"): "amzn1.ask.skill.6a39c06f-58b4-4adb-8c7f-a75a9ca3f7e1",
}
"""Skill ids by vertical and country, from Amazon's command-line tool and its page on subscriptions."""
