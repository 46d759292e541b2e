"""Create, read, change and delete certificate authorities for enterprise Wi-Fi."""
