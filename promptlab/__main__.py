"""`python -m promptlab`."""

from promptlab.cli import main

if __name__ == "__main__":
    main()
