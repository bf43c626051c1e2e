"""Access: who is refused, and how much is offered to whom."""
