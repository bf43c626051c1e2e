"""Adapters to what is audited. Each is three methods, and only `send` acts."""
