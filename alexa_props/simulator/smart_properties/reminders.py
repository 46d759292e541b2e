"""Create, read, change and delete reminders on endpoints."""
