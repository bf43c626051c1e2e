"""Vendors that treat people alike, each in a way that an auditor could take for something else."""
