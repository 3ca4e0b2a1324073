"""Names come out as they are typed: in figures, tables, LaTeX, Markdown, the summary and the title page."""

import dataclasses
import html.parser
import re

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from matplotlib import pyplot
from matplotlib.text import Text

from analysis import (
    Outcome,
    Study,
    Table,
    balance,
    by_district,
    did,
    event_study,
    four_means,
    minimum_detectable_effect,
    neighbours,
    plot_event_study,
    plot_trends,
    power_curve,
    read_table,
    reweight,
    specification_curve,
    synthetic_did,
)
from analysis.presentation.curves import plot_power, plot_specifications
from analysis.presentation.descriptive import panel_coverage
from analysis.presentation.design_pictures import plot_coverage, plot_design
from analysis.presentation.sizes import plot_rejection_rates
from analysis.presentation.style import use_style
from analysis.presentation.tables import estimates_table, event_study_table, inference_table
from analysis.report.exports.paper import in_print, table_for_paper
from analysis.report.summary import write_summary
from analysis.report.title_page import TitlePage, literal, to_html
from analysis.robustness.bunching import bunching
from analysis.robustness.leave_one_out import leave_one_out

pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")

# Between its dollar signs stands what matplotlib and TeX would refuse as a formula.
NAME = r"a_b $\frac{$ ^c^ % & # \ < > {d} ~e~ *f* [g](h) `i` |j| &lt; <b>k</b>"
IN_LATEX = (
    r"a\_b \$\textbackslash{}frac\{\$ \textasciicircum{}c\textasciicircum{} \% \& \# \textbackslash{} \textless{} "
    r"\textgreater{} \{d\} \textasciitilde{}e\textasciitilde{} *f* [g](h) `i` |j| \&lt; "
    r"\textless{}b\textgreater{}k\textless{}/b\textgreater{}"
)
UNIT = r"$_{kg}$"


class TextOf(html.parser.HTMLParser):
    """What a browser shows of HTML, and the elements it found."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.shown, self.found = "", set()
        self.feed(source)
        self.close()

    def handle_data(self, data: str) -> None:
        self.shown += data

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found.add(tag)


@pytest.fixture(scope="module")
def study() -> Study:
    index = pd.MultiIndex.from_product([range(14), range(3), range(2014, 2022)], names=["g", "v", "year"])
    frame, rng = index.to_frame(index=False), np.random.default_rng(5)
    frame["start"] = np.where(frame["g"] < 4, 2019.0, np.nan)
    frame["stratum"] = [f"{NAME} {number // 7}" for number in frame["g"]]
    frame.loc[(frame["g"] > 11), "stratum"] = f"{NAME} 2"
    frame["y"] = 50 + 3 * (frame["v"] == 1) + rng.normal(size=len(frame)) + 3 * (frame["year"] >= frame["start"])
    frame[NAME] = rng.uniform(1, 2, size=len(frame))
    frame["v"] = [f"{NAME} {g}-{v}" for g, v in zip(frame["g"], frame["v"], strict=True)]
    frame["g"] = [f"{NAME} {g:02d}" for g in frame["g"]]
    names = {"unit": "v", "time": "year", "first_treated": "start", "group": "g", "stratum": "stratum"}
    made = Study.from_frame(frame, **names, outcomes={"y": Outcome("y", unit=UNIT, label_en=NAME)})
    return dataclasses.replace(made, title=NAME)


def figures(study: Study) -> dict[str, list]:
    """Every figure of a study, as a list of its axes."""
    curve = specification_curve(study, "y", controls=[NAME])
    power = power_curve(study, "y", replications=20)
    rates = read_table("simulated_rejection_rates")
    return {
        "trends": [plot_trends(study, "y")],
        "trends in logs": [plot_trends(study, "y", log=True)],
        "event study": [plot_event_study(event_study(study, "y"))],
        "coverage": [plot_coverage(study, "y")],
        "design": [plot_design(study)],
        "specifications": list(plot_specifications(curve, study, "y")),
        "power": [plot_power(power, study, "y", unit=UNIT)],
        "rejection rates": list(plot_rejection_rates(rates, data=NAME).flat),
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_draws_names_as_they_are_typed(study, language):
    use_style()
    for kind, axes in figures(dataclasses.replace(study, language=language)).items():
        figure = axes[0].figure
        figure.canvas.draw()
        texts = [" ".join(text.get_text().split()) for text in figure.findobj(Text)]
        # Matplotlib draws an escaped dollar sign as one, and begins a formula at any other.
        assert not any(re.search(r"(?<!\\)\$", text) for text in texts), kind
        assert any(NAME in text.replace(r"\$", "$") for text in texts), kind
        pyplot.close(figure)


def tables(study: Study) -> dict[str, Table]:
    effect = did(study, "y")
    results = [leave_one_out(study, "y"), by_district(study, "y").frame(), bunching(study, "y", [50])]
    return {
        "balance": balance(study),
        "four means": four_means(study, "y"),
        "coverage": panel_coverage(study, "y"),
        "event study": event_study_table(event_study(study, "y")),
        "estimates": estimates_table({NAME: effect}),
        "inference": inference_table(effect),
        **{f"result {at}": Table(frame, NAME) for at, frame in enumerate(results)},
        "names": Table(pd.DataFrame({NAME: [NAME]}, index=pd.Index([NAME], name=NAME)), NAME),
    }


def test_every_table_shows_names_as_they_are_typed(study):
    for kind, table in tables(study).items():
        page, text = table._repr_html_(), repr(table)
        read = TextOf(page)
        assert NAME in read.shown, kind
        assert "b" not in read.found, kind
        assert page.count("$") == page.count("<span>$</span>"), f"{kind}: a formula may begin"
        assert read.shown.count(NAME) == text.count(NAME), kind
        latex = table.to_latex()
        assert latex.count(IN_LATEX) == text.count(NAME), kind
        assert table_for_paper(table)["caption"] == in_print(table.caption)


def test_every_result_shows_names_as_they_are_typed_in_markdown(study):
    effect = did(study, "y")
    results = [study, effect, event_study(study, "y"), neighbours(study, "y")]
    assert NAME in TextOf(by_district(study, "y")._repr_html_()).shown, "its table stands below its sentence"
    results += [synthetic_did(study, "y", draws=20), reweight(study, "y")]
    results += [minimum_detectable_effect(study, "y", replications=20)]
    for result in results:
        said = " ".join(repr(result).split())
        small = "" if isinstance(result, Study) else result.small_print()
        # As a report shows it, and as a notebook does, whose Markdown may hold HTML.
        for page in (to_html(result._repr_markdown_()), MarkdownIt().render(result._repr_markdown_())):
            assert TextOf(page).shown.split() == f"{said} {small}".split(), type(result).__name__
            assert TextOf(page).found <= {"p", "span", "em"}, type(result).__name__


def test_summary_and_title_page_show_names_as_they_are_typed(study, tmp_path):
    summary = to_html(write_summary(study, tmp_path)[study.language])
    assert TextOf(summary).shown.count(NAME) >= 3
    about = {"reading": [NAME], "doubts": [NAME], "summary": {}}
    page = TitlePage(NAME, literal(NAME), **about).markdown([])
    heading, _, front = page.partition("```{raw} html\n")
    assert TextOf(to_html(heading)).shown.strip() == NAME
    assert TextOf(front.partition("```")[0]).shown.count(NAME) == 3, "a fence that a name closes would end before"
