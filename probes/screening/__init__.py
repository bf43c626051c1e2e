"""Probes that look at many attributes at once."""
