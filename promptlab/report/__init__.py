"""How results look: `views` turns them into plain data, which `terminal` and others render."""
