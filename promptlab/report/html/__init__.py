"""Views as HTML."""
