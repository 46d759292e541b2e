"""Request reports about the use of devices."""
