"""Statistics on arrays: pure functions with frozen results."""
