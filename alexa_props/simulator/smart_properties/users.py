"""Create, list and delete users of the organization."""
