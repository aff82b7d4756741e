"""How to install what an extra of promptlab lacks: by names that package indexes know.

promptlab itself is in none of them, so that `pip install "promptlab-workbench[local]"` would fail.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version

_DISTRIBUTION = "promptlab-workbench"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)([^;]*);.*\bextra\s*==\s*['\"]([^'\"]+)")


def install(extra: str, *lacking: str) -> str:
    """Return the command that installs these packages and whatever else lacks of an extra."""
    try:
        known = [_REQUIREMENT.match(line) for line in requires(_DISTRIBUTION) or ()]
    except PackageNotFoundError:  # it is run from its source, and was never installed
        known = []
    wanted = {
        match[1]: match[1] + match[2].strip() for match in known if match and match[3] == extra
    }
    missing = [text for name, text in wanted.items() if name in lacking or not _is_installed(name)]
    return f"pip install {' '.join(_quoted(text) for text in missing or lacking)}"


def _quoted(requirement: str) -> str:
    """Return a requirement as a shell takes it: `<` and `>` would be redirections."""
    return requirement if re.fullmatch(r"[\w.-]+", requirement) else f'"{requirement}"'


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
