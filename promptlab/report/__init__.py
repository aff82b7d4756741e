"""How results look: `view` makes plain data of them, `terminal` and others print it."""
