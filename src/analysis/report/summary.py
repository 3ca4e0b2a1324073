"""One page for readers who will not open a notebook: question, answer, one figure, what it rests on and cannot show."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from analysis.effects.ratio_of_totals import CAUTION_BELOW
from analysis.inference.cluster_robust import FEW_TREATED
from analysis.language.labels import LANGUAGES, joined, term
from analysis.language.texts import plural, said
from analysis.presentation.event_studies import plot_event_study
from analysis.presentation.plots import plot_trends
from analysis.presentation.style import use_style
from analysis.report.findings import Findings, find
from analysis.report.title_page import literal
from analysis.report.word import write_text
from analysis.report.wording import Wording
from analysis.study.study import Study

FIGURE_SIZE = (7.0, 3.2)
DOTS_PER_INCH = 200
LEVEL = 0.05
SOURCES = {
    "yours": "The data were supplied for this study.",
    "published": "The data are published ones.",
    "simulated": "**All data on this page are simulated: a computer model made them, nothing was observed.**",
    "invented": "**All data on this page are invented as an example: they say nothing about any real place.**",
}
COMPARED = {
    "district": "{treated} in {groups} (start: {starts}) are compared with {others} outside, {first}–{last}.",
    "group": "{treated} in {groups} (start: {starts}) are compared with {others} that never began, {first}–{last}.",
    "unit": "{treated} with the measure (start: {starts}) are compared with {others} without it, {first}–{last}.",
}


def write_summary(study: Study, folder: Path) -> str:
    """Summarise a study in both languages, its own first.

    Use it for the top of a report's title page.

    The figures go into the folder, ``summary-en.png`` and ``summary-zh.png``: the Markdown shows them by name, so it
    belongs on a page beside them. Beside them go ``summary-en.docx`` and ``summary-zh.docx``, to paste from. Text of
    the study is escaped: it shows as it is written.

    Examples
    --------
    >>> import tempfile
    >>> from analysis import load_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_summary(load_study(), Path(folder)).split("**")[1])
    All data on this page are simulated: a computer model made them, nothing was observed.
    """
    findings = find(study)
    languages = sorted(LANGUAGES, key=lambda language: language != study.language)
    pages = {language: Sentences(findings, language).page(folder) for language in languages}
    for language, page in pages.items():
        write_text(folder / f"summary-{language}.docx", page, folder)
    return "\n\n".join(pages.values()) + "\n"


def draw(findings: Findings, language: str, path: Path) -> None:
    """Draw the effect by year, or else the means by year, with labels in a language; the same bytes every time."""
    study = replace(findings.study, language=language)
    with rc_context():
        use_style()
        figure = Figure(figsize=FIGURE_SIZE)
        if findings.events:
            plot_event_study(replace(findings.events, study=study), ax=figure.subplots())
        else:
            plot_trends(study, findings.outcome.name, log=findings.outcome.scale == "log", ax=figure.subplots())
        figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})


class Sentences(Wording):
    """What is said of each part of the summary."""

    def page(self, folder: Path) -> str:
        """The summary in one language; its figure goes into the folder."""
        parts = [self.say("## Summary"), self.say(SOURCES[self.findings.study.provenance])]
        parts += [joined(self.language, said) for said in (self.question(), self.answer())]
        if self.findings.estimate is not None:
            name = f"summary-{self.language}.png"
            draw(self.findings, self.language, folder / name)
            title, how_to_read = self.figure()
            parts += [f"![{title}]({name})", how_to_read]
            parts += [self.say("**What it rests on**"), "\n".join(f"- {line}" for line in self.rests_on())]
            parts += [self.say("**What it cannot show**"), "\n".join(f"- {line}" for line in self.cannot_show())]
        return "\n\n".join(parts)

    def question(self) -> Iterator[str]:
        """The study's question, and what is compared."""
        study = self.findings.study
        units = study.units
        treated = units["first_treated"].notna()
        yield self.say("**Question.**")
        if study.title:
            yield self.ended(study.title)
        yield self.say(
            COMPARED[self.place if self.grouped else "unit"],
            treated=self.count(int(treated.sum()), study.noun),
            groups=self.count(units.loc[treated, "group"].nunique(), self.place),
            starts=self.say(", ").join(map(str, study.starts)),
            others=self.count(int((~treated).sum()), study.noun),
            first=study.frame["time"].min(),
            last=study.frame["time"].max(),
        )

    def answer(self) -> Iterator[str]:
        """The effect, how it is computed, and how sure it is."""
        yield self.say("**Answer.**")
        estimate = self.findings.estimate
        if estimate is None:
            yield from self._without_estimate()
            return
        yield self.say(
            "The best estimate for {label} {inside}: since the start, on average {size} {direction} than without "
            "{cause}{share}.",
            label=self.label,
            inside=self.of_place("inside the districts", "where the measure began"),
            size=self.size(estimate.value).removeprefix("−"),
            direction=self.say("higher" if estimate.value >= 0 else "lower"),
            cause=self.cause,
            share=self._share(),
        )
        yield self.say(
            "Computed as difference-in-differences: the change of treated {nouns} less that of others.",
            nouns=plural(self.findings.study.noun),
        )
        if len(self.findings.study.starts) > 1:
            yield self.say(
                "Each start year is compared with the places that never began, and the results are averaged."
            )
        yield from self._interval()
        if not estimate.dominance:
            yield from self._lots()

    def _without_estimate(self) -> Iterator[str]:
        detectable = self.findings.detectable
        if not detectable:
            yield self.say("No effect can be computed from these data.")
            yield self.ended(term(self.language, self.findings.refusal))
            return
        yield self.say("The outcome is not known in any year under treatment yet, so there is no effect to compute.")
        power = f"{100 * detectable.power:.0f}"
        if detectable.unit == "log points":
            yield self.say(
                "What such a study could show: a gain of {gain} % or a loss of {loss} % would be found in {power} % of "
                "cases, smaller ones less often (page 08).",
                gain=f"{detectable.percent:.0f}",
                loss=f"{detectable.loss_percent:.0f}",
                power=power,
            )
            return
        yield self.say(
            "What such a study could show: an effect of {size} would be found in {power} % of cases, smaller ones less "
            "often (page 08).",
            size=self.size(detectable.value),
            power=power,
        )

    def figure(self) -> tuple[str, str]:
        """The figure's title, and how to read it."""
        said = {"label": self.label, "data": term(self.language, self.findings.study.label)}
        if self.findings.events:
            return (
                self.say("Effect on {label} by year since the start ({data})", **said),
                self.say(
                    "*Figure:* the gap by year, against the last year seen before the start (hollow dot). If dots left "
                    "of the dashed line are near zero, both moved alike before."
                )
                + (self.say(" Bars are 95 % intervals.") if self.findings.events.frame()["low"].notna().any() else ""),
            )
        return (
            self.say("Means of {label} by year ({data})", **said),
            self.say("*Figure:* means by year; dashed lines mark the start. The effect by year cannot be drawn."),
        )

    def rests_on(self) -> Iterator[str]:
        """Data, definition, assumptions, and how both sides moved before."""
        study, outcome = self.findings.study, self.findings.outcome
        yield self.used()
        if outcome.definition or outcome.prices:
            yield self.say(
                "Outcome: {definition}{detail}.",
                definition=literal(outcome.definition.rstrip(".。")) or self.label,
                detail=self.detail(),
            )
        yield from self.specified()
        yield joined(self.language, self.scaled())
        if study.assumptions:
            yield self.say("Assumed: {assumptions}", assumptions=self.ended(study.assumptions))
        yield joined(self.language, self._before())
        if study.placebo_group_count:
            yield self.say(
                "{number} to compare with were made for this study: {villages} each, in the order of their names."
                if study.placebo_order == "name"
                else "{number} to compare with were made for this study: {villages} each, in the order of their codes.",
                number=self.count(study.placebo_group_count, "group"),
                villages=self.say("about {villages}", villages=self.count(study.placebo_group_size, study.noun)),
            )

    def cannot_show(self) -> Iterator[str]:
        """What no reader should take from the numbers."""
        yield self.say(
            "Cause: places were chosen, not drawn by lot; if they would have done better anyway, that is in the number."
        )
        yield self.say("Single places: the number is an average.")
        yield self.say("Neighbours: if places outside gained or lost too, the number is off.")
        if self.estimate.treated_groups == 1:
            yield self.say("Others: only one case was observed.")
        if self.findings.outcome.prices == "nominal":
            yield self.say("Real gains: amounts are in prices of the day, inflation included.")

    def _interval(self) -> Iterator[str]:
        found = self.findings
        treated = self.count(self.estimate.treated_groups, self.place)
        if np.isfinite(found.test["low"]):
            yield self.say(
                "Allowing for chance, the data fit {low} to {high} (95 % interval, with {groups} as the independent "
                "observations: clustered CR2 errors).",
                low=self.size(found.test["low"]),
                high=self.size(found.test["high"]),
                groups=self.count(self.estimate.groups, "group" if self.grouped else found.study.noun),
            )
            yield self.say(
                "That includes zero: the data cannot tell the effect from none."
                if found.test["low"] <= 0 <= found.test["high"]
                else "That excludes zero: chance alone is an unlikely explanation."
            )
            if self.estimate.other_cuts:
                yield said(self.language, self.estimate.other_cuts)
            if self.estimate.treated_groups <= FEW_TREATED:
                yield self.say("With only {treated} behind it, the interval itself is unsure.", treated=treated)
            if self.estimate.effective_treated_districts < CAUTION_BELOW:
                yield self.say(
                    "By their totals the treated groups count like {number} equal ones: "
                    "too few for a reliable interval.",
                    number=self.equal_ones,
                )
        else:
            yield self._no_interval(treated)

    def _lots(self) -> Iterator[str]:
        lots = self.findings.lots
        if np.isfinite(lots.p_value):
            yield self.say(
                "Places drawn by lot from all groups show a difference at least as large in {chance} % of draws "
                "(randomization test). Within strata there is nothing to draw."
                if self.findings.anywhere
                else "Places drawn by lot show a difference at least as large in {chance} % of draws "
                "(randomization test).",
                chance=self.percent(lots.p_value),
            )
            if lots.smallest_p > LEVEL:
                yield self.say(
                    "With so few possible draws this share is {floor} % or more, so this test cannot find an effect at "
                    "the {level} % level.",
                    floor=self.percent(lots.smallest_p),
                    level=f"{100 * LEVEL:.0f}",
                )
        else:
            yield self.say(
                "A test by lot (randomization) cannot be made either: how sure the estimate is, is unknown."
                if np.isnan(self.findings.test["low"])
                else "A test by lot (randomization) cannot be made here."
            )

    def _before(self) -> Iterator[str]:
        found = self.findings
        yield self.say(
            "It is assumed that without {cause} both sides would have moved alike (parallel trends).", cause=self.cause
        )
        if not found.events:
            yield self.say("The years before the start do not suffice to look into this.")
            return
        yield self.say(
            "In the {years} before, the gap moved by {slope} a year{interval}.",
            years=self.count(sum(time < 0 for time in found.events.event_times) + 1, "year"),
            slope=self.size(found.slope["estimate"]),
            interval=self._slope_interval(found.slope, found.joint["p_value"]),
        )
        if not np.isfinite(found.slope["low"]):
            yield self.say("How sure that is cannot be said.")
            return
        yield self.say(
            "That speaks against it (p below {level} does)."
            if np.fmin(found.slope["p_value"], found.joint["p_value"]) < LEVEL
            else "That does not speak against it (p below {level} would), but is no proof.",
            level=LEVEL,
        )
