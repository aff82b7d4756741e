"""Local language models through transformers: weights, chat templates, generation.

Only `engine`, `sampling`, `chat` and `convert` load torch or transformers; the rest is light.
"""
