"""Views as JSON documents."""
