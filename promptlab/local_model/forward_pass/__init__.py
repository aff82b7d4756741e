"""One forward pass over the tokens of many prompts: attention, keys and values, logits."""
