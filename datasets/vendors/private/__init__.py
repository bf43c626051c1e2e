"""Vendors that learn from what customers do, leaky and clean: what an audit of privacy is tried on."""
