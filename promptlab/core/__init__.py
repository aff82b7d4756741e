"""What every other package builds on: frozen, picklable nouns; errors, digests, named plugins."""
