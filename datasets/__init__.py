"""What is asked about and who is asked: personas, items, populations, rules, and the zoo."""
