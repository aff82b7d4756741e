"""Many prompts at once: what is read next, who speaks, what is kept."""
