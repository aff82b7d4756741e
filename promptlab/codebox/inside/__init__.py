"""What runs in the box's own processes. The standard library alone: nothing else is there."""
