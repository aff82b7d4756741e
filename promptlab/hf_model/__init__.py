"""The machinery of the backend `hf`: weights, chat templates, generation with transformers.

Only `loading`, `engine`, `rows`, `loaded` and `convert` load torch or transformers.
"""
