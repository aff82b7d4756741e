"""The versions of prompt templates: their text, compiled, rendered and compared."""
