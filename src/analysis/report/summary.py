"""One page for readers who will not open a notebook: what results say, strung together beside one figure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from analysis.design.power import minimum_detectable_effect
from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.effects.randomization import randomization
from analysis.effects.verbs import did, event_study
from analysis.language.labels import LANGUAGES, bracketed, joined, say
from analysis.language.texts import Listed, Text, count, plural, said
from analysis.messages import InLanguage, Sentence, StudyError, fixed, in_sentence
from analysis.presentation.event_studies import plot_event_study
from analysis.presentation.plots import plot_trends
from analysis.presentation.style import use_style
from analysis.report.exports.word import write_text
from analysis.report.title_page import THEME, literal
from analysis.robustness.check import in_short
from analysis.robustness.scale_evidence import scale_evidence
from analysis.study.group_notes import grouped, has_districts
from analysis.study.panel_rows import under_treatment
from analysis.study.study import Study

FIGURE_SIZE = (7.0, 2.6)
DOTS_PER_INCH = 200
ENDS = (".", "?", "!", "。", "？", "！")
SMALLEST_SHOWN = 0.001
NO_LOTS = Text("A test by lot (randomization) cannot be made here.")
LOTS = {
    "stratum": "Places drawn by lot show a difference as large for its standard error in {chance} % of draws "
    "(randomization test).",
    None: "Places drawn by lot from all groups show a difference as large for its standard error in {chance} % of "
    "draws (randomization test). Within strata there is nothing to draw.",
}
UNREACHABLE = (
    "With so few possible draws this share is {floor} % or more, so this test cannot find an effect at the 5 % level."
)
LEVEL = 0.05
COMPARED = {
    "district": "{treated} in {groups} (start: {starts}) are compared with {others} outside, {first}–{last}.",
    "group": "{treated} in {groups} (start: {starts}) are compared with {others} that never began, {first}–{last}.",
    "unit": "{treated} with the measure (start: {starts}) are compared with {others} without it, {first}–{last}.",
}


@dataclass(frozen=True)
class Summary(InLanguage):
    """Results on a study's primary outcome; None where the study cannot support one."""

    study: Study
    estimate: Estimate | None = None
    refusal: Text | str = ""
    detectable: Sentence | None = None
    lots: Text | str = ""
    events: EventStudy | None = None
    before: Sentence | None = None
    scale_evidence: Sentence | None = None

    def markdown(self, figure: str) -> str:
        """The page in the study's language, beside its figure."""
        study, language = self.study, self.study.language
        outcome = study.describe(study.primary_outcome)
        label = in_sentence(study.label_of(outcome.name))
        title = (
            "Effect on {label} by year since the start ({data})" if self.events else "Means of {label} by year ({data})"
        )
        jinja = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
        jinja.filters |= {name: partial(one, language) for name, one in FILTERS.items()}
        return jinja.from_string((THEME / "summary.md.jinja").read_text(encoding="utf-8")).render(
            vars(self),
            say=study.say,
            outcome=outcome,
            label=label,
            nouns=plural(study.noun),
            detail=bracketed(language, outcome.unit, outcome.prices),
            compared=compared(study),
            title=study.say(title, label=label),
            figure=figure,
            last_year=in_short(self.events.average()) if self.events else "",
            bars=self.events is not None and self.events.frame()["low"].notna().any(),
        )

    def draw(self, path: Path) -> None:
        """Draw the effect by year, or else the means by year; the same bytes every time."""
        with rc_context():
            use_style()
            figure = Figure(figsize=FIGURE_SIZE)
            if self.events:
                plot_event_study(self.events, ax=figure.subplots())
            else:
                plot_trends(self.study, self.study.primary_outcome, ax=figure.subplots())
            figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})


def summarize(study: Study) -> Summary:
    """Compute the effect on the primary outcome, how sure it is, and how both sides moved before.

    Use it for every text that states the study's result in short. What the study cannot support is left open.

    Examples
    --------
    >>> from analysis import load_study
    >>> summary = summarize(load_study())
    >>> summary.refusal, summary.events.reference
    ('', -1)
    """
    outcome = study.primary_outcome
    try:
        estimate = did(study, outcome)
    except StudyError as error:
        planned = not study.column(outcome)[under_treatment(study.frame)].notna().any()
        return Summary(study, refusal=error.args[0], detectable=detectable(study) if planned else None)
    events = attempt(lambda: event_study(study, outcome))
    before = attempt(events.pretrend) if events else None
    return Summary(
        study,
        estimate,
        detectable=None if estimate.no_interval else detectable(study),
        lots="" if estimate.dominance else by_lot(estimate),
        events=events if before else None,
        before=before,
        scale_evidence=attempt(lambda: scale_evidence(study, outcome)),
    )


def attempt(ask: Callable[[], Any]) -> Any:
    """What a study answers; None where it cannot."""
    try:
        return ask()
    except StudyError:
        return None


def detectable(study: Study) -> Sentence | None:
    """Which effects such a study would find, where that can be told."""
    return attempt(lambda: minimum_detectable_effect(study, study.primary_outcome))


def by_lot(estimate: Estimate) -> Text:
    """How often lots would bring as much: within strata, else among all groups."""
    for within in LOTS:
        test = attempt(partial(randomization, estimate, within=within))
        if test and np.isfinite(test.p_value):
            share, floor = Text(LOTS[within], chance=percent(test.p_value)), percent(test.smallest_p)
            return Listed([share] + [Text(UNREACHABLE, floor=floor)] * (test.smallest_p > LEVEL), " ")
    return NO_LOTS


def percent(probability: float) -> str:
    """A probability in per cent, without the sign."""
    return fixed(100 * probability, 1) if probability >= SMALLEST_SHOWN else f"{100 * probability:.2g}"


def compared(study: Study) -> str:
    """Which units are compared with which others, and when."""
    units, treated = study.units, study.units["first_treated"].notna()
    place = "unit" if not grouped(study.frame) else "district" if has_districts(study) else "group"
    return study.say(
        COMPARED[place],
        treated=count(int(treated.sum()), study.noun),
        groups=count(units.loc[treated, "group"].nunique(), "district" if place == "district" else "group"),
        starts=Listed(study.starts),
        others=count(int((~treated).sum()), study.noun),
        first=study.frame["time"].min(),
        last=study.frame["time"].max(),
    )


def ended(language: str, text: str) -> str:
    """A sentence of the study, with a full stop where it has none."""
    gap = " " if language == "zh" and text.rstrip()[-1:].isascii() else ""
    return text.rstrip() + (gap if text.rstrip().endswith(ENDS) or not text else say(language, "."))


FILTERS: dict[str, Callable] = {
    "literal": lambda language, text: literal(str(said(language, text))),
    "joined": lambda language, sentences: joined(language, filter(None, sentences)),
    "ended": ended,
}


def write_summary(study: Study, folder: Path, others: Iterable[Study] = ()) -> dict[str, str]:
    """Summarise a study in both languages, its own first; others are the same study with its texts in other languages.

    Use it for the top of a report's title page. The figures go into the folder, ``summary-en.png`` and
    ``summary-zh.png``: the Markdown shows them by name. Beside them go ``summary-en.docx`` and ``summary-zh.docx``,
    to paste from. Text of the study is escaped: it shows as it is written.

    Examples
    --------
    >>> import tempfile
    >>> from analysis import load_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_summary(load_study(), Path(folder))["en"].split("**")[1])
    All data on this page are simulated: a computer model made them, nothing was observed.
    """
    summary, pages = summarize(study), {}
    for language in sorted(LANGUAGES, key=lambda language: language != study.language):
        spoken, name = summary.in_language(language), f"summary-{language}"
        spoken = next((replace(spoken, study=one) for one in others if one.language == language), spoken)
        if spoken.estimate:
            spoken.draw(folder / f"{name}.png")
        pages[language] = spoken.markdown(f"{name}.png")
        write_text(folder / f"{name}.docx", pages[language], folder)
    return pages
