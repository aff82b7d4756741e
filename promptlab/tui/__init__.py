"""Screens that take the whole terminal, by Textual (the extra `review`).

A verb imports one when it runs. It shows texts by `report.terminal` alone, which spells out what a
terminal would obey.
"""
