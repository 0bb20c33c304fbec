"""A column of costs is declared once, and every report shows it."""

from dataclasses import replace

import pytest

from i2i.benchmarks.analysis.cost_columns import COSTS, MAIN
from i2i.benchmarks.analysis.costs import Costs
from i2i.benchmarks.report import latex
from i2i.benchmarks.report.html.content import facts
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.report.results_json import results_json
from i2i.benchmarks.suite.columns import TRAINING_COSTS
from tests.bench.test_outputs import PROTOCOL, made_up
from tests.support.pages import CARD, made_up_bench

ALL = Costs(
    training_runs=6,
    parameters=12e6,
    parameters_each=2e6,
    images=4321,
    seconds=60.4,
    peak_memory=3 * 2**20,
    macs=1_230_000_000,
    translated=4.321,
    inference="",
    evaluations=200,
    references=8642,
)
TEXTS = ["6", "2,000,000", "12,000,000", "4,321", "8,642", "60", "71.5", "4.32", "200", "1.23 G", "0.231", "3"]


def test_values_are_in_the_unit_of_their_heading():
    assert [column.text(ALL) for column in COSTS] == TEXTS
    nothing = replace(ALL, seconds=0.0, peak_memory=None, macs=None, evaluations=None, translated=None)
    assert [column.text(nothing) for column in COSTS[-6:]] == ["–"] * 6
    assert {column.text(None) for column in COSTS} == {"–"}


def test_the_main_table_has_the_columns_that_suites_can_choose():
    assert tuple(MAIN) == TRAINING_COSTS


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Of a bench whose methods all cost the same: the table, the costs of the page and those of the JSON file."""
    plan, results = made_up_bench(tmp_path_factory.mktemp("reports"))
    results = replace(results, costs=dict.fromkeys(results.costs, ALL))
    stated = results_json(plan, results, PROTOCOL)["models"]["one"]["costs"]
    return markdown(plan, results), facts(plan, results, CARD)["costs"], stated


@pytest.mark.integration
@pytest.mark.parametrize("column", COSTS, ids=lambda column: column.key)
def test_all_reports_have_every_column(column, reports):
    table, shown, stated = reports
    assert f"| {column.heading} |" in table
    place = shown["columns"].index(column.heading)
    assert [row[place]["text"] for row in shown["rows"]] == [column.text(ALL)] * 3
    assert stated[column.key] == column.value(ALL)


def test_a_paper_has_costs_in_its_own_units(tmp_path):
    plan, results = made_up(tmp_path, {("one", "psnr"): [20.0]})
    text = latex.table(plan, replace(results, costs={"one": ALL}), PROTOCOL)
    headings = [r"Runs", *(rf"\shortstack[r]{{{two}}}" for two in ("Param.\\\\($10^6$)", "Images\\\\($10^3$)"))]
    assert " & ".join(["Model", *headings, r"\shortstack[r]{Time\\(s)}"]) in text
    assert "one & 6 & 12.00 & 4.3 & 60 &" in text
