"""Create, read, rename and delete address books."""
