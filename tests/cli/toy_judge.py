"""A toy judge: a second backend is asked whether the output is polite, and that is the grade."""

from __future__ import annotations

from promptlab import Ask, BackendName, Sample, Score, scorer


def questions(sample: Sample, *, judge: str, votes: int) -> list[Ask]:
    """Ask the same so many times."""
    text = f"Is this polite? {sample.output}"
    return [Ask(text, backend=judge, repeat=vote, purpose="vote") for vote in range(votes)]


@scorer(version="1", judge=True, asks=questions)
def polite(sample: Sample, *, judge: BackendName = "judge", votes: int = 1) -> Score:
    """The judge finds the output polite, by most of its votes."""
    asks = questions(sample, judge=judge, votes=votes)
    ayes = sum("ada" in sample.answer_to(ask).text.lower() for ask in asks)
    return Score(float(2 * ayes > votes), passed=2 * ayes > votes, reason=f"{ayes} of {votes}")
