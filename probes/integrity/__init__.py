"""Integrity: is what was audited the real thing."""
