"""What a verb does between parsing and printing: values in, values out, no terminal.

Each thing that can be done with a project has one function here, which both the command line and
the Python API call. It opens the project and its store, and returns results, never text.
"""
