"""Policies that executors share: how many calls at once, what to retry, when to give up."""
