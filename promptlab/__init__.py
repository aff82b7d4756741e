"""promptlab: experiments on prompts, with conclusions that hold."""

__version__ = "0.1.0"
