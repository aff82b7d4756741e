"""What a verb does between parsing and printing."""
