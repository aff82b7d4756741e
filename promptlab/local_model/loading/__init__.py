"""Models loaded from their files and made ready to answer."""
