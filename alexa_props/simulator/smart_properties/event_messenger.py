"""Create, read and delete the destinations of events."""
