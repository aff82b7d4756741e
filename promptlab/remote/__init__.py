"""What all backends behind an API share: the connection, its failures, keys, cost.

A vendor's file in `backends/` says only how a request is written and an answer read.
"""
