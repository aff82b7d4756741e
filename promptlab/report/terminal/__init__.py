"""How views look in a terminal."""
