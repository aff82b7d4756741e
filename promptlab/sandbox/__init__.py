"""Jinja as promptlab uses it: values written as plain text, every expression bounded.

Templates and the parameters of scorers share it. It knows neither of them.
"""
