"""Errors and their attributes as users catch them. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_type

from alexa_props import SmartProperties, errors


async def by_class(asp: SmartProperties) -> None:
    try:
        await asp.alerts.delete_alarms("unit")
    except errors.EndpointFailures as error:
        assert_type(error.failures, Sequence[errors.EndpointFailure])
    except (errors.NotFound, errors.Forbidden, errors.Throttled) as error:
        assert_type(error.status, int)
        assert_type(error.retry_after, float | None)
    except errors.ApiError as error:
        assert_type(error.code, str | None)
        assert_type(error.message, str | None)
        assert_type(error.request_id, str | None)
        assert_type(error.operation, str | None)
        assert_type(error.attempts, int)
    except errors.TransportError as error:
        assert_type(error.sent, Literal["no", "maybe"])
    except errors.DeadlineExceeded as error:
        assert_type(error.sent, Literal["no", "maybe"])
    except errors.RateLimitTooLong as error:
        assert_type(error.wait, float)
        assert_type(error.max_wait, float)
    except errors.AuthenticationError as error:
        assert_type(error.error, str | None)
        assert_type(error.error_description, str | None)
    except errors.DecodeError as error:
        assert_type(error.operation, str | None)
    except errors.AlexaError as error:
        assert_type(error.resume_token, str | None)


def a_bad_argument_is_a_value_error(error: errors.ConfigurationError) -> ValueError:
    return error
