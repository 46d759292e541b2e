"""Read and reset the consents that guests gave in a unit."""
