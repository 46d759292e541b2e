"""Authorization: `httpx.Auth` subclasses, which also work on a plain httpx client."""
