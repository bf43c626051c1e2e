"""Disclosure: is a price that is made for a person announced as one."""
