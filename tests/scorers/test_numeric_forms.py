# ruff: noqa: RUF001  # odd characters are what is tested
"""`numeric` on the forms in which models write the number that was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.types import Case, Outcome
from promptlab.scorers.builtin.structured import numeric
from promptlab.scorers.sample import Sample

from .conftest import Grade

CASE = Case("c", {}, None, (), None, "b2:0")
GSM8K = Path(__file__).resolve().parents[3] / "shared" / "data" / "gsm8k" / "test.jsonl"

FORMS: list[tuple[str, Any, dict[str, Any]]] = [
    # Groups of thousands, in three conventions and some more.
    ("The farm sold 12,480 eggs.", 12480, {}),
    ("Together they weigh 1,234,567.25 grams.", 1234567.25, {}),
    ("Insgesamt sind es 12.480 Eier.", "12.480", {"decimal": ","}),
    ("Der Preis beträgt 1.234.567,25 Euro.", "1234567,25", {"decimal": ","}),
    ("Au total, 12\u202f480 œufs", 12480, {}),
    ("All in all 12 480 eggs", 12480, {}),
    ("Der Hof verkaufte 12'480 Eier", 12480, {}),
    ("₹1,25,00,000", 12500000, {}),
    ("12_480", 12480, {}),
    # Fractions.
    ("She ate 3/8 of the cake.", "3/8", {}),
    ("It takes 2 1/2 hours.", 2.5, {}),
    ("It takes 2½ hours.", 2.5, {}),
    ("The share is 3⁄8.", 0.375, {}),
    (r"The probability is $\frac{3}{8}$.", "3/8", {}),
    (r"= 1\tfrac{1}{4}", 1.25, {}),
    ("0.375", "3/8", {}),
    ("0.3333", "1/3", {"tolerance": 0.001}),
    # Percent.
    ("The discount is 15%.", 15, {}),
    ("The discount is 15 %", "15 %", {}),
    (r"The discount is $15\%$.", 15, {}),
    ("12.5 percent", 12.5, {}),
    # Minus signs.
    ("The temperature is −7 °C.", -7, {}),
    ("The balance is –$1,250.50", -1250.5, {}),
    ("The balance is $－40", -40, {}),
    ("It fell to ‑3 degrees.", -3, {}),
    # LaTeX.
    (r"Therefore the answer is $\boxed{72}$.", 72, {}),
    (r"\[ \boxed{1{,}024} \]", 1024, {}),
    (r"\boxed{\dfrac{7}{2}\text{ cups}}", 3.5, {}),
    (r"\boxed{\$18}", 18, {}),
    (r"$x = -12\,500$", -12500, {}),
    # Powers.
    ("There are 2^10 paths.", 1024, {}),
    ("There are 2¹⁰ paths", 1024, {}),
    (r"about $6.02 \times 10^{23}$ molecules", 6.02e23, {}),
    ("3 × 10⁻² m", 0.03, {}),
    ("1.5e3", 1500, {}),
    ("about 10^(3) of them", 1000, {}),
    ("2^(-3)", 0.125, {}),
    ("x = - 5", -5, {}),
    ("x ≈ − $1,250", -1250, {}),
    # Units, and the marks of Markdown.
    ("The answer is **45 km/h**.", 45, {}),
    ("She earns $18 every day at the farmers' market.", 18, {}),
    ("#### 5 hours", 5, {}),
    ("The room is 12m² in size", 12, {}),
    ("合计是42元。", 42, {}),
    # The answer before its explanation.
    ("42. Six rows of 7 seats each make 6 × 7 = 42.", 42, {"which": "first"}),
    ("**18 dollars**, because 16 - 3 - 4 = 9 eggs are sold for 2 dollars.", 18, {"which": "first"}),
    ("He needs 3 packs: 8 in each are 24, and 20 are enough.", 3, {"which": "first"}),
]


@pytest.mark.parametrize(("output", "target", "params"), FORMS)
def test_a_form_is_read_as_its_number(
    grade: Grade, output: str, target: Any, params: dict[str, Any]
) -> None:
    score = grade("numeric", output, target, **params)
    assert (score.value, score.gradable) == (1.0, True), score.reason
    other = grade("numeric", output, 987_654_321, **params)
    assert (other.value, other.gradable) == (0.0, True)  # it does not pass whatever is asked


@pytest.mark.slow
@pytest.mark.skipif(not GSM8K.is_file(), reason="no ../shared/data")
def test_every_gold_answer_of_gsm8k() -> None:
    with GSM8K.open(encoding="utf-8") as file:
        answers = [json.loads(line)["answer"] for line in file]
    assert len(answers) == 1319
    golds = [answer.rpartition("####")[2].strip() for answer in answers]
    missed = [
        gold
        for answer, gold in zip(answers, golds, strict=True)
        if not (_is_right(answer, gold) and _is_right(gold, gold))
    ]
    assert missed == []


def _is_right(output: str, target: str) -> bool:
    return numeric(Sample(output, CASE, Outcome.OK), target=target).value == 1.0
