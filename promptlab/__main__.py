"""`python -m promptlab`."""

import sys

if not sys.flags.safe_path:
    # Python has put the folder one is in at the front: a project's `json.py` would shadow json.
    # In a stranger's project it has no place there at all.
    folder = sys.path.pop(0)
    if "--safe" not in sys.argv:
        sys.path.append(folder)

from promptlab.cli import main

if __name__ == "__main__":
    main()
