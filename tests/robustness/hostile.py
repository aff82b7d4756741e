"""Pieces of documents that break readers, and strategies that put them where a value belongs."""

from __future__ import annotations

from hypothesis import strategies as st

DEEP = 250
BOMB = "&a [x,x,x,x,x,x,x,x,x]"
for _name, _of in zip("bcdefghi", "abcdefgh", strict=True):
    BOMB = f"[{BOMB}, &{_name} [{','.join([f'*{_of}'] * 9)}]]"

YAML_PIECES = [
    BOMB,
    "&x [*x]",
    "&x {a: {b: *x}}",
    "*nothing",
    "[" * DEEP + "]" * DEEP,
    "{a: " * 90 + "1" + "}" * 90,
    "[[[[[" * 18 + "]]]]]" * 18,
    "!!binary aGk=",
    "!!binary '%'",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "!!pairs [a: 1]",
    "!!timestamp 2024-01-31",
    "!!timestamp x",
    "!!float .inf",
    "!!float nope",
    "!!int 0x1f",
    "!!bool maybe",
    "!!null x",
    "!!python/name:os.system",
    "!!map []",
    "!own {a: 1}",
    "9" * 400,
    "9" * 5000,
    "-" + "9" * 40,
    "1e999",
    "-1e999",
    "1e-999",
    ".5",
    "0.1" + "0" * 5000,
    '"\\ud800"',
    '"\\0"',
    '"\\x1b[2J"',
    "'\u202e'",
    "{1: 2, 1.5: 3, true: 4}",
    "{[a]: b}",
    "{null: 1}",
    "{? {a: 1} : b}",
    "{<<: 3}",
    "{<<: [1, 2]}",
    "{<<: &m {a: 1}, b: *m}",
    "{a: 1, a: 2}",
    "x" * 100_000,
    "",
    "~",
    "true",
    "[]",
    "{}",
    "[null]",
    "''",
    "'{{'",
    "'{{ x ** 9 ** 9 ** 9 }}'",
    "'{% for x in y %}'",
    "'../../../etc/passwd'",
    "'/dev/zero'",
    "'a\\b'",
    "'" + "a/" * 3000 + "'",
    "@",
    "%",
    "\t",
    "- - - -",
    "'unclosed",
    "[unclosed",
    "---\na",
    "...\n",
    "|\n  text",
    ">-\n  folded",
]

JSON_PIECES = [
    "[" * DEEP + "]" * DEEP,
    "[" * 90 + "]" * 90,
    '{"a":' * 5000,
    "9" * 5000,
    "9" * 400,
    "1e999",
    "-0",
    "3.10",
    "NaN",
    "-Infinity",
    '"\\ud800"',
    '"\\u0000"',
    '"\\ud83d\\ude00"',
    '"\\u001b[2J"',
    "null",
    "true",
    "[]",
    "{}",
    '{"": ""}',
    '{"a": 1, "a": 2}',
    '["a", {"b": [null]}]',
    '"' + "x" * 50_000 + '"',
    "tru",
    "'a'",
    "[1,]",
    "",
    "\ufeff1",
    "1 2",
]

TOML_PIECES = [
    "inf",
    "-nan",
    "1e400",
    "0x" + "f" * 4000,
    "9" * 5000,
    "9" * 40,
    "2024-01-31",
    "12:30:00",
    "2024-01-31T12:30:00Z",
    "[" * DEEP + "]" * DEEP,
    "[[1], ['a', {b = 2}]]",
    "{a = {b = {c = inf}}}",
    "{" + ".".join("a" * 500) + " = 1}",
    '"\\ud800"',
    '"\\u0000"',
    '"\\u001b[2J"',
    "'" + "x" * 50_000 + "'",
    '"""a\nb"""',
    "true",
    "[]",
    "{}",
    "1_000",
    "nope",
    "",
    '"unclosed',
]

CELLS = [
    "",
    " ",
    "\u00a0",
    "\0",
    "\x1a",
    "\r",
    '"',
    '""',
    '"a\nb"',
    '"unclosed',
    "a,b",
    "a;b",
    "\t",
    "=1+1",
    "\ufeff",
    "\u2028",
    "\U0001f600",
    "9" * 400,
    "1e999",
    "nan",
    "-0",
    "1,5",
    "TRUE",
    "x" * 200_000,
]

ENV_PIECES = [
    "${A}",
    "${A}" * 2000,
    "${" * 5000,
    "${A:-${A:-${A:-",
    "'${A}",
    '"',
    "\\",
    "a # b",
    "$(rm x)",
    "\x1b[2J",
    "\0",
    "x" * 40_000,
    "=",
    "",
    "\u2028",
]


def documents(lines: list[tuple[str, str]], pieces: list[str]) -> st.SearchStrategy[str]:
    """Return texts of these beginnings and values, some of whose values are replaced.

    Now and then a whole line is left out, or the text is cut off anywhere.
    """
    whole = "".join(start + value for start, value in lines)
    values = st.tuples(
        *(st.just(value) | st.sampled_from(pieces) | st.text(max_size=8) for _, value in lines)
    )
    few = st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=2)

    def put(drawn: tuple[str, ...], chosen: set[int], missing: int, end: float) -> str:
        text = "".join(
            start + (drawn[at] if at in chosen else value)
            for at, (start, value) in enumerate(lines)
            if at != missing
        )
        return text[: int(len(text) * end)] if end < 1 else text

    cuts = st.just(1.0) | st.floats(0, 1)
    missing = st.just(-1) | st.integers(0, len(lines) - 1)
    spoiled = st.builds(put, values, few, missing, cuts)
    return spoiled | st.text(max_size=40) | st.just(whole)
