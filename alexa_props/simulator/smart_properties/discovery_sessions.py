"""Discover smart home devices with a skill."""
