"""What every other part speaks of: frozen, picklable nouns; errors, digests, plugins by name."""
