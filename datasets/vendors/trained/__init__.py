"""Models learnt from real data. Nothing was planted in them."""
