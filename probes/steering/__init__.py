"""Steering: what is shown, and in which order, to whom."""
