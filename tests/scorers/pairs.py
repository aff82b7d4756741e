"""Fifty pairs of an output and a target: in many scripts, alike and unlike, short, long, empty."""

from __future__ import annotations

from random import Random

_WRITTEN = [
    ("The cat sat on the mat.", "A cat sat on a mat."),
    ("the the the", "the cat"),
    ("Paris", "Paris"),
    ("Paris.", "paris"),
    ("The capital of France is Paris, of course.", "Paris"),
    ("", "Paris"),
    ("   \n\t ", "Paris"),
    ("...", "Paris"),
    ("Paris", ""),
    ("", ""),
    ("It was 3.5 % in 2024-05-01.", "It was 3,5 % on 1 May 2024."),
    ("Er fuhr nach Köln.", "Er fährt nach Köln."),
    ("Le garçon a mangé des crêpes à l'hôtel.", "Le garcon a mange des crepes a l'hotel."),
    ("cafe\N{COMBINING ACUTE ACCENT}", "café"),
    ("İstanbul'da güneş", "istanbul'da güneş"),
    ("Straße", "STRASSE"),
    ("Привет, мир!", "Привет, мой мир!"),
    ("Καλημέρα κόσμε", "Καλησπέρα κόσμε"),
    ("مرحبا بالعالم الجميل", "مرحبا بالعالم"),
    ("नमस्ते दुनिया, आप कैसे हैं", "नमस्ते दुनिया, तुम कैसे हो"),
    ("שלום לכולם", "שלום עולם"),
    ("안녕하세요 여러분", "안녕하십니까 여러분"),
    ("你好,世界。", "你好,大世界。"),
    ("今天天气很好", "今天的天气非常好"),
    ("猫がマットの上に座った。", "猫はマットに座っていた。"),
    ("สวัสดีชาวโลก", "สวัสดีครับชาวโลก"),
    ("The word 猫 means cat.", "猫 means a cat."),
    ("GPT-4 得了 92 分", "GPT-4 得了 90 分"),
    ("🎉 Party! 👩‍👩‍👧", "🎉 party 👩‍👩‍👧"),
    ("zero\N{ZERO WIDTH SPACE}width", "zerowidth"),
    ("half a pair", "half  a\tpair\n"),
    ("first line\nsecond line\nthird", "first line\nthird line"),
    ("one\n\n\ntwo", "one two"),
    ("a b c d e f g h", "h g f e d c b a"),
    ("not guilty", "guilty"),
    ("don't stop believing", "do not stop believing"),
    ("state-of-the-art model", "state of the art model"),
    ("“Quoted” — with dashes…", '"Quoted" - with dashes...'),
    ("&quot;escaped&quot; &amp; so on", '"escaped" & so on'),
    ("running runner ran", "run runs running"),
    ("x" * 400, "x" * 300 + "y" * 100),
]
_WORDS = "the a cat dog sat on under mat house red blue very slowly and but while it she"


def _long(seed: int) -> tuple[str, str]:
    draw = Random(seed)
    target = draw.choices(_WORDS.split(), k=30 + 4 * seed)
    output = [word for word in target if draw.random() > 0.2] + draw.choices(_WORDS.split(), k=9)
    return f"{' '.join(output)}.", f"{' '.join(target)}."


PAIRS = [*_WRITTEN, *map(_long, range(50 - len(_WRITTEN)))]
