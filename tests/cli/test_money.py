"""Prices, costs, and the limits of what a run may spend."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Promptlab, edit, query
from .drawn import lay_out, suite, version

if TYPE_CHECKING:
    from tests.remote.fault_replies import Call
    from tests.remote.fault_server import FaultServer

# A word costs a cent. `greet@v1` asks 4 words and has 4 back: 8 cents a call.
PRICED = '[backends.priced]\nkind = "echo"\ndelay_s = 0.01\nprice = 10000\n'
REMOTE = '[backends.far]\nkind = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'


@pytest.fixture
def priced(project: Path) -> Path:
    (project / "promptlab.toml").write_text(PRICED + REMOTE, encoding="utf-8")
    return project


def calls_of(project: Path) -> int:
    [(calls,)] = query(project, "SELECT count(*) FROM generations")
    return int(calls)


@pytest.mark.slow
def test_a_run_stops_at_its_number_of_calls_and_goes_on_with_a_larger_one(
    priced: Path, promptlab: Promptlab
) -> None:
    ran = promptlab("run", "greet", "-b", "priced", "--max-calls", "2")
    assert (ran.code, calls_of(priced)) == (4, 2)
    match = re.search(r"^stopped at --max-calls 2, after 2 calls: 2 of 6 trials .*$", ran.err, re.M)
    assert match
    assert re.search(r"finish with a larger limit: promptlab resume \S+ --max-calls", match[0])
    again = promptlab("resume")
    assert (again.code, calls_of(priced)) == (4, 2)  # the run's own limit still holds
    assert promptlab("resume", "--max-calls", "100").code == 0
    assert (calls_of(priced), promptlab("db", "verify").code) == (6, 0)


@pytest.mark.slow
def test_a_run_stops_when_the_money_is_spent(priced: Path, promptlab: Promptlab) -> None:
    words = ("run", "greet", "-t", "greet@v1", "-b", "priced", "-j", "1", "--max-cost", "0.10")
    ran = promptlab(*words, "--json")
    assert ran.code == 4
    document = json.loads(ran.out)
    assert (document["status"], document["calls"], calls_of(priced)) == ("interrupted", 2, 2)
    [arm] = document["arms"]
    assert arm["cost_usd"] == {
        "total": pytest.approx(0.16),
        "mean": pytest.approx(0.08),
        "known": 2,
    }
    assert "stopped at --max-cost 0.1, after 2 calls and 0.1600 USD: 2 of 3 trials" in ran.err
    assert promptlab("resume", "--max-cost", "0.16").code == 4
    assert promptlab("resume", "--max-cost", "0.17").code == 0
    assert calls_of(priced) == 3


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--max-cost", "0"], ["--max-calls", "0"]])
def test_a_limit_of_nothing_allows_what_is_stored(
    ran_project: Path, promptlab: Promptlab, words: list[str]
) -> None:
    assert promptlab("run", "greet", *words).code == 0
    none = promptlab("run", "greet", "--fresh", *words)
    assert none.code == 4
    assert "; no model call was made.\n" in none.out  # not for want of a need
    assert promptlab("resume").out.count("; no model call was made.\n") == 1


def test_the_calls_in_flight_are_all_that_passes_a_limit(
    priced: Path, promptlab: Promptlab
) -> None:
    ran = promptlab(
        "run", "greet", "-b", "priced", "-j", "3", "--max-cost", "0.01", "--repeats", "9"
    )
    assert (ran.code, calls_of(priced)) == (4, 3)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_limit_of_money_needs_a_price(
    priced: Path, promptlab: Promptlab, more: tuple[str, ...]
) -> None:
    ran = promptlab("run", "greet", "-b", "far", "--max-cost", "1", *more)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "Error: --max-cost needs the price of backend 'far' (add price = {input = ...,"
        " output = ...} to its table, in US dollars per million tokens)\n"
    )


def test_a_local_model_costs_no_money(project: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "greet", "--max-cost", "1").code == 0


def test_a_dry_run_bounds_the_cost(priced: Path, promptlab: Promptlab) -> None:
    dry = promptlab("run", "greet", "-b", "priced", "-t", "greet@v1", "--dry-run", "--json")
    document = json.loads(dry.out)
    # Three calls of 4 words; answers of 1 to 256 words.
    assert document["cost_usd"] == [pytest.approx(0.15), pytest.approx(7.8)]
    assert document["arms"][0]["input_tokens"] == [12, 12]
    assert document["arms"][0]["output_tokens"] == [3, 768]
    shown = promptlab("run", "greet", "-b", "priced", "-t", "greet@v1", "--dry-run")
    assert "Cost: 0.1500 to 7.8000 USD, from short answers to the longest." in shown.out
    assert not (priced / "promptlab.db").exists()


def test_a_dry_run_guesses_the_tokens_of_a_remote_prompt(
    priced: Path, promptlab: Promptlab
) -> None:
    dry = promptlab("run", "greet", "-b", "far", "-b", "priced", "--dry-run")
    assert re.search(r"greet@v1 on far +3 +3 +0 +\d+ to \d+\n", dry.out)
    assert "to the longest; no price is set for far." in " ".join(dry.out.split())
    far = promptlab("run", "greet", "-b", "far", "-b", "echo", "--dry-run")
    assert "\nCost: unknown (no price is set for far).\n" in far.out
    document = json.loads(promptlab("run", "greet", "-b", "far", "--dry-run", "--json").out)
    assert (document["cost_usd"], document["unpriced_backends"]) == (None, ["far"])
    assert "Cost" not in promptlab("run", "greet", "--dry-run").out  # nobody charges for it


@pytest.mark.slow
def test_cost_stands_in_every_table(priced: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "greet", "-b", "priced", "-t", "greet@v1")
    assert re.search(r"^arm .* USD$", ran.out, re.M)
    assert "0.080000" in ran.out
    assert "3 model calls, 0.2400 USD." in ran.out
    assert re.search(r"USD\n.*\n.* 0\.2400\n", promptlab("runs").out)
    assert query(priced, "SELECT DISTINCT cost_usd FROM results") == [(0.08,)]
    again = promptlab("run", "greet", "-b", "priced", "-t", "greet@v1")
    assert "no model call was made" in again.out
    assert " 0.0000\n" in promptlab("runs").out  # the second run has paid for nothing


PRICE = "price = {input = 1000, output = 1000}\n"  # a tenth of a cent a token
SHOP = '[backends.shop]\nkind = "openai"\nmodel = "m"\nconcurrency = 1\nbase_url = "URL"\n' + PRICE


@pytest.fixture
def shop(project: Path, fault_server: FaultServer) -> FaultServer:
    """Return the server of the backend `shop`, which the project knows."""
    text = SHOP.replace("URL", fault_server.base_url)
    (project / "promptlab.toml").write_text(text, encoding="utf-8")
    return fault_server


@pytest.mark.slow
def test_a_limit_of_money_holds_over_resumes_where_the_server_reports_none(
    shop: FaultServer, promptlab: Promptlab
) -> None:
    shop.fail("no-usage")
    ran = promptlab("run", "greet", "-b", "shop", "--max-cost", "0.5")
    made = shop.requests
    assert (ran.code, 0 < made < 6) == (4, True)
    expected = rf"stopped at --max-cost 0\.5, after {made} calls and about 0\.\d+ USD"
    assert re.search(expected, ran.err)
    for more in ((), ("--max-cost", "0.5")):
        again = promptlab("resume", *more)
        assert (again.code, shop.requests) == (4, made)
        assert re.search(expected, again.err)
    assert promptlab("resume", "--max-cost", "50").code == 0


@pytest.mark.slow
def test_tries_count_over_resumes(shop: FaultServer, promptlab: Promptlab) -> None:
    shop.retry_after = "0.01"
    shop.fail("429-retry-after", times=1)
    words = ("greet", "-b", "shop", "--max-calls", "5")
    ran = promptlab("run", *words)
    assert (ran.code, shop.requests) == (4, 5)
    assert "stopped at --max-calls 5, after 5 calls: 2 of 6" in ran.err
    assert "; 2 answers in 5 model calls, " in ran.out
    assert promptlab("resume").code == 4
    assert shop.requests == 5
    document = json.loads(promptlab("resume", "--max-calls", "20", "--json").out)
    assert (document["status"], document["calls"], shop.requests) == ("finished", 7, 5 + 7)


@pytest.mark.slow
def test_a_cost_that_is_known_in_part_is_reported_as_that(
    shop: FaultServer, promptlab: Promptlab
) -> None:
    def plan(call: Call) -> str | None:
        return "no-usage" if "Ada" in call.prompt else None

    shop.plan = plan
    ran = promptlab("run", "greet", "-b", "shop")
    cost = re.search(r" ([\d.]+) USD and more \(2 answers of unknown cost\)\.\n", ran.out)
    assert cost
    listed = promptlab("runs").out
    assert re.search(rf" {cost[1]}\+\n", listed)
    assert listed.endswith("\n+: and more; the cost of some answers is unknown.\n")
    document = json.loads(promptlab("run", "greet", "-b", "shop", "--fresh", "--json").out)
    [_, run] = json.loads(promptlab("runs", "--json").out)
    for described in (document, run):
        assert (described["cost_usd"], described["unpriced_answers"]) == (
            pytest.approx(float(cost[1])),
            2,
        )


@pytest.mark.slow
def test_a_price_that_is_set_later_serves_a_resume(
    project: Path, shop: FaultServer, promptlab: Promptlab
) -> None:
    edit(project / "promptlab.toml", PRICE, "")
    assert promptlab("run", "greet", "-b", "shop", "--max-calls", "2").code == 4
    words = ("resume", "--max-calls", "99", "--max-cost", "9")
    refused = promptlab(*words)
    assert (refused.code, shop.requests) == (2, 2)
    assert "--max-cost needs the price of backend 'shop'" in refused.err
    config = project / "promptlab.toml"
    config.write_text(config.read_text(encoding="utf-8") + PRICE, encoding="utf-8")
    ran = promptlab(*words)
    assert (ran.code, shop.requests) == (0, 6)
    assert "Note: --max-cost does not count 2 earlier answers of unknown cost\n" in ran.err
    assert re.search(r"; 4 model calls, 0\.\d+ USD\.\n", ran.out)


def test_the_price_of_another_model_is_not_taken(
    project: Path, shop: FaultServer, promptlab: Promptlab
) -> None:
    edit(project / "promptlab.toml", PRICE, "")
    assert promptlab("run", "greet", "-b", "shop", "--max-calls", "2").code == 4
    other = (project / "promptlab.toml").read_text(encoding="utf-8") + PRICE
    for old, new in (('model = "m"', 'model = "n"'), ("/v1", "/v2")):
        (project / "promptlab.toml").write_text(other.replace(old, new), encoding="utf-8")
        refused = promptlab("resume", "--max-cost", "9")
        assert "--max-cost needs the price of backend 'shop'" in refused.err


@pytest.mark.slow
def test_what_charges_nothing_cost_nothing_at_once_and_from_the_store(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, {"v1": version("0-9")}, suite(12))
    for _ in range(2):
        assert promptlab("run", "task").code == 0
    listed = json.loads(promptlab("runs", "--json").out)
    assert [run["cost_usd"] for run in listed] == [0.0, 0.0]
    assert "unknown" not in promptlab("runs").out
