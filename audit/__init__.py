"""Driving a target: the plan, the one loop, the journal, verdicts and the record."""
