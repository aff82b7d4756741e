"""`python -m promptlab`."""

import sys

if not sys.flags.safe_path:
    # Python has put the folder one is in at the front: a project's `json.py` would shadow json.
    sys.path.append(sys.path.pop(0))

from promptlab.cli import main

if __name__ == "__main__":
    main()
