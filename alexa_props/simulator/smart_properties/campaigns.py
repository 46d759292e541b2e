"""Create, find and delete proactive suggestions on the screens of devices."""
