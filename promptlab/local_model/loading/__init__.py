"""Load models from their files and prepare them to answer."""
