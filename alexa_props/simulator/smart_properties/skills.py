"""Enable and disable skills for units."""
