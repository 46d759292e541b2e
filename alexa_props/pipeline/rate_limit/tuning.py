"""The numbers of the rate limiter. Those of the rate were found by simulation: `python -m benchmarks quota_shapes`."""

from __future__ import annotations

from typing import Final

# The schedule
FASTEST: Final = 100_000.0
"""Requests per second that a stored record may hold at most, unless more are configured."""
FLOOR: Final = 0.02
"""Requests per second below which no refusal brings the rate."""
LATE: Final = 0.05
"""Seconds of waking late that are made up for."""
CATCH_UP: Final = 5
"""Requests sent at the same moment to make up for it, at most."""
LONGEST_PAUSE: Final = 3600.0
"""Seconds for which one response may pause all requests; then one of them probes again."""
STARVED: Final = 120.0
"""Seconds of nothing but refusals after which throttled calls fail."""

# Lanes
BULK_EVERY: Final = 5
"""While both lanes wait, bulk gets one turn in this many, so that it never starves."""

# Searching
START: Final = 20.0
"""Requests per second at the start."""
UNANSWERED: Final = 5
"""Requests after which the distances double at the start of a search, until one of them has ended. After that, so many
more than were accepted may be under way."""
DOUBLE: Final = 0.25
"""Seconds in which the rate at most doubles."""
PATIENCE: Final = 1.25
"""Latencies in which the rate at most doubles, so that responses can confirm it."""
LEAD: Final = 2.0
"""How many times the confirmed rate the rate may be; also how many times the average of what was accepted a guess may
climb to."""
RISK: Final = 14.0
"""Requests under way above which the search continues slowly, as all of them may be refused, plus:"""
RISK_SHARE: Final = 0.05
"""this share of those that were accepted so far."""
RISKY: Final = 1.1
"""Share by which the rate then rises per second."""

# Cruising
MARGIN: Final = 0.97
"""Share of the ceiling at which cruising begins."""
CLIMB: Final = 0.03
"""Share by which the rate climbs per second. Every probe for more costs a refusal, so it is less at low rates."""
CLIMB_FULL: Final = 40.0
"""Requests per second above which it climbs by the full share."""
PASSED: Final = 1.015
"""Share of the ceiling above which the ceiling seems to have risen."""
ACCELERATE: Final = 0.15
"""Seconds in which the climbing then doubles, at least."""

# After a fall
FALLEN: Final = 0.25
"""Share of the highest measured rate below which the quota may soon be what it was."""
HOPE: Final = 0.4
"""Share by which the rate then climbs per second at least, divided by the seconds since."""

# Refusals
RETRY: Final = 0.5
"""Share of a distance after which the next request follows a refused one, which used no quota."""
ENOUGH: Final = 12
"""Accepted requests that make a measurement."""
SPAN: Final = 0.5
"""Seconds that a measurement takes at least."""
GENTLE: Final = 0.9
"""Least share of the rate that remains after a measurement."""
HARD: Final = 0.6
"""Share of the ceiling that remains after an unexpected refusal."""
SOFT: Final = 0.95
"""The same if nothing suggests that the ceiling is far off."""
SURPRISE: Final = 1.25
"""Share of the ceiling above which a refusal means that the ceiling is a guess."""
OUT: Final = 2.0
"""Share of the ceiling above which a refusal means that nothing is known any more."""
ROW: Final = 2
"""Refusals one after the other, each sent after the last cut, that mean that the quota is closed."""
BRIEF: Final = 3
"""The same that are too few to tell anything of a quota that has risen."""
PROBE: Final = 1.25
"""Distances at the rate that are between probes at least."""
PAUSE_COSTS: Final = 10.0
"""How much slower it climbs per second that a refusal costs (`Retry-After`)."""
COSTLY: Final = 10.0
"""Seconds above which the cost counts no more: else a rising quota would not be followed."""

# What was accepted of the requests that were under way at a refusal
FEW: Final = 3
"""Requests under way whose accepted share tells something."""
SHOWN: Final = 16
"""Requests under way that show that the quota is not closed, if a third of them is accepted."""
ALL_LOST: Final = 3
"""Requests under way that show that it is closed, if none is accepted."""
HARDLY: Final = 0.125
"""Accepted requests for each refused one of them that show the same."""
LEAST: Final = 0.5
"""How many times what a quota gave on the average that share may suggest, at least,"""
MOST: Final = 1.5
"""and at most."""

# Guesses
GUESS: Final = 0.3
"""Share by which the rate climbs per second while the ceiling is a guess."""
GUESS_LATENCY: Final = 0.3
"""Seconds of latency at which it is half as much: what exceeds the quota meanwhile is refused."""
GUESS_EACH: Final = 0.04
"""The same per request, at most."""
NEAR: Final = 0.6
"""Share of the rate below which a measurement leaves the ceiling a guess."""
SOONER: Final = 2.0
"""Latencies within which refusals are about one guess."""
UNSEEN: Final = 0.2
"""Requests that few accepted ones are taken to be more: none of them is no reason to guess that the quota is 0."""
DROP: Final = 0.5
"""Least share of the rate that remains after a guess."""
