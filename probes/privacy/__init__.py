"""What answers give away about people: private details, planted records, errors."""
