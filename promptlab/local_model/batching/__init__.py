"""Answer many prompts at once: what is read next, which prompts generate, what is kept."""
