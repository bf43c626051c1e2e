"""What answers give away about people: canaries, member lists, and what a leak is worth."""
