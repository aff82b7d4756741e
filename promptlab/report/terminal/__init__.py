"""Views rendered for a terminal."""
