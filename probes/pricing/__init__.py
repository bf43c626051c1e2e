"""Probes of prices."""
