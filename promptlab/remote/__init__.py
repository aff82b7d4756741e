"""What all API backends share: the connection, its failures, keys, cost.

A vendor's module in `backends/` defines only how requests are written and answers are read.
"""
