"""Create, read, change and delete SIP trunks to a private branch exchange."""
