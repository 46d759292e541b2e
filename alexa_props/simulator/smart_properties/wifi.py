"""Save Wi-Fi configurations, and assign them to endpoints."""
