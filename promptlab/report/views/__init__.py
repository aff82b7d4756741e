"""Results as plain data, with every number and sentence part, for any renderer."""
