"""Create, change and delete groups of endpoints."""
