"""Create, read, change and delete the communication profiles of units."""
