"""Read the roles of units."""
