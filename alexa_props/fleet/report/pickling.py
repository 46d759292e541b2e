"""Outcomes in pickles: without requests, whose headers hold tokens, and without errors that could not be read back."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import httpx

from alexa_props.fleet.outcome import Outcome, RecordedError, StepsFailed, safe_str

__all__ = ["portable"]


def portable(outcome: Outcome[Any, Any]) -> Outcome[Any, Any]:
    """Return what a pickle holds of an outcome."""
    value, error = outcome.value, outcome.error
    if isinstance(value, httpx.Response):
        return attrs.evolve(outcome, value=_without_headers(value))
    if error is None or _is_portable(error):
        return outcome
    # The steps of a recipe hold the same errors.
    value = None if isinstance(error, StepsFailed) else value
    return attrs.evolve(outcome, value=value, error=RecordedError(safe_str(error), outcome.failures))


def _is_portable(error: Exception) -> bool:
    if isinstance(error, StepsFailed):
        return all(step.error is None or _is_portable(step.error) for step in error.steps)
    if isinstance(error, ExceptionGroup):
        return all(map(_is_portable, error.exceptions))
    if isinstance(error, httpx.HTTPError):
        return False
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - it was made here
    except Exception:  # noqa: BLE001 - the user's class may raise anything
        return False
    return True


def _without_headers(response: httpx.Response) -> httpx.Response:
    response, request = copy.copy(response), response.request
    response.request = httpx.Request(request.method, request.url)
    return response
