"""Give a chat template a clock that stands still.

transformers gives templates the clock as a global, and passes plain data alone in its place. So the
global of this one compiled template is set, which transformers keeps by the template's text.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from transformers.utils.chat_template_utils import _compile_jinja_template


def with_still_clock(source: str, day: date) -> str:
    """Return a template of its own that does the same, but reads the first moment of a day."""
    own = f"{source}{{# {day.isoformat()} #}}"
    moment = datetime.combine(day, datetime.min.time(), UTC)
    _compile_jinja_template(own).globals["strftime_now"] = moment.strftime
    return own
