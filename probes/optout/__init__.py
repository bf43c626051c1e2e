"""Opting out: is there a way, does it work, and does it cost anything."""
