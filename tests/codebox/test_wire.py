from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import json
import math
from typing import Any

import pytest

from promptlab.codebox.inside.wire import become, decode, encode


def other(value: Any) -> list[Any]:
    return ["o", type(value).__name__]


def sent(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value, other))), lambda data: data)


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**53, -(2**53), 10**4000, 1.5, -0.0, math.inf, "", "ä🎉\n\0",
        "\ud83d", b"\x00\xff", bytearray(b"ab"), 3 + 4j, [], [1, [2, [3]]], (), (1,), ((), []),
        {}, {"a": 1, 2: "b", (3,): [4], None: {}}, {1, "x"}, frozenset([(1, 2)]), range(1, 9, 2),
        range(10**30), fractions.Fraction(-1, 3), decimal.Decimal("1.50"),
        datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3, 4),  # noqa: DTZ001
        datetime.time(1, 2), datetime.timedelta(days=-1, microseconds=5),
        collections.deque([1, 2]), [True, 1, 1.0],
    ],
)  # fmt: skip
def test_a_plain_value_arrives_as_it_is(value: Any) -> None:
    arrived = sent(value)
    assert arrived == value
    assert type(arrived) is type(value)
    assert repr(arrived) == repr(value) or isinstance(value, int | set | frozenset)


def test_not_a_number_arrives() -> None:
    assert math.isnan(sent(math.nan))


class _Liar(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__

    def __int__(self) -> int:
        return 99


class _List(list[int]):
    def __iter__(self) -> Any:
        return iter([7, 7, 7])


class _Level(enum.IntEnum):
    LOW = 1


class _Text(str):
    def __str__(self) -> str:
        return "lie"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (_Liar(5), 5),
        (_List([1, 2]), [1, 2]),
        (_Text("truth"), "truth"),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(int, a=1), {"a": 1}),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.items(), [("a", 1)]),
        (_Level.LOW, 1),
    ],
)
def test_a_class_of_its_own_becomes_the_plain_one(value: Any, plain: Any) -> None:
    arrived = sent(value)
    assert type(arrived) is type(plain)
    assert arrived == plain


def test_a_named_tuple_keeps_its_names() -> None:
    arrived = sent(Point(1, [2]))
    assert (arrived.x, arrived.y, arrived) == (1, [2], (1, [2]))
    assert type(arrived).__name__ == "Point"


def test_what_is_not_plain_stays_and_is_named() -> None:
    assert sent([object(), len]) == [["o", "object"], ["o", "builtin_function_or_method"]]


@pytest.mark.parametrize(
    "data",
    [
        {}, {"a": 1}, [], [1], [[]], ["d", 1], ["s", ["l"]], ["i", "x"], ["i"], ["b", "xyz"],
        ["F", "1", "0"], ["T", "int", "5"], ["T", "date", "yesterday"], ["r", 1, 2, 0], ["n"],
        ["n", "x; import os", ["a"], 1], ["n", "N", ["__class__"], 1], ["n", "N", ["a b"], 1],
        ["D", "x"], ["c", "x", "y", "z"],
    ],
)  # fmt: skip
def test_nothing_is_made_of_nonsense(data: Any) -> None:
    with pytest.raises((ValueError, TypeError, ArithmeticError, KeyError)):
        decode(data, lambda _: pytest.fail("it was taken for an object"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([3, 1, 2], [1, 2, 3]),
        ([1], []),
        ([], [1, 2]),
        ([[1, 2], [3]], [[2, 1], [3, 4], [5]]),
        ({"a": [1]}, {"a": [2], "b": 3}),
        ({1, 2}, {3}),
        (bytearray(b"abc"), bytearray(b"c")),
    ],
)
def test_a_container_becomes_another_in_place(old: Any, new: Any) -> None:
    inner = [each for each in old if isinstance(each, list)]
    was = old
    become(old, new)
    assert was == new
    assert all(kept is now for kept, now in zip(inner, old, strict=False))
