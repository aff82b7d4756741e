"""Instructions that code can verify, as IFEval defines them (arXiv 2311.07911).

`kinds` has the register of their ids, `checks` what each verifies, `loose` the forms of an answer
of which one has to follow.
"""
