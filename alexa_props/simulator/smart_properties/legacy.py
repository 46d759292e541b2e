"""Properties of the hospitality API, version 1. Prefer `units`."""
