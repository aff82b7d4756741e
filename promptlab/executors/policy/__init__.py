"""Rules that executors share: how many calls at once, what is tried again, when to give up."""
