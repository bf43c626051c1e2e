"""Vendors that do not treat people alike, each in one way."""
