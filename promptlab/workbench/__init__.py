"""What a verb does between parsing and printing: values in, values out, no terminal.

Everything that can be asked of a project has one function here, which the command line and the
Python API both call. It opens the project and its store, and hands out results, never text.
"""
