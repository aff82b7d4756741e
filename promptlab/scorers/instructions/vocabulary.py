"""Words that kinds of instructions know: closed classes of English, and names of published data."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONJUNCTIONS = _words("for and nor but or yet so")

PRONOUNS = _words(
    """
    i me my mine myself you your yours yourself yourselves he him his himself she her hers herself
    it its itself we us our ours ourselves they them their theirs themselves themself one oneself
    this that these those who whom whose which what whoever whomever whatever whichever
    anybody anyone anything everybody everyone everything nobody nothing somebody someone something
    each both few many several all any none some other others another either neither such
    """
)

STOP_WORDS = _words(
    """
    a an the and but or nor so yet if because as until while although though unless since than
    i me my mine myself you your yours yourself yourselves he him his himself she her hers herself
    it its itself we us our ours ourselves they them their theirs themselves
    this that these those who whom whose which what when where why how
    am is are was were be been being have has had having do does did doing will would shall should
    can could may might must
    of at by for with about against between into through during before after above below to from up
    down in out on off over under again further then once here there
    all any both each few more most other some such no not only own same too very just now
    don't doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't won't wouldn't shouldn't
    can't couldn't it's that's i'm you're we're they're i've you've we've they've he's she's
    """
)

NAMES = _words(
    """
    Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander
    Amelia Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella
    Jacob Scarlett Nathan Victoria Elijah Layla Nicholas Audrey David Hannah Christopher Penelope
    Thomas Nora Andrew Aria Joseph Claire Ryan Stella Jonathan
    """
)
"""The names that the request itself lists, some of which are to be mentioned."""

MINOR = _words(
    """
    a an the and but or nor for so yet as at by in of off on per to up via with from into onto over
    than is if
    """
)
"""What a title may leave in small letters."""
