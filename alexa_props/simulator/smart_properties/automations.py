"""Create, read and delete templates of automations."""
