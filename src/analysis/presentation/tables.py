"""Tables of results for notebooks and papers: a DataFrame with a caption, which displays as both."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.comparison import answered, compare
from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.effects.sentence import specification
from analysis.inference.methods import HEADLINE_NAME
from analysis.language.labels import bracketed, joined, of_units, say, term
from analysis.messages import StudyError, amounts, fixed
from analysis.presentation.cells import Column, columns_of, plain, spread
from analysis.presentation.latex import latex_table, literal
from analysis.study.group_notes import in_own_words
from analysis.study.outcome import LOG_POINTS, shown, shown_unit
from analysis.study.study import Study

FEW_ROWS, MANY_ROWS = 12, 30
"""Rows that a page shows, and where more groups than the first number are treated; the CSV holds all."""
SHOWN_EFFECTS = ("estimate", "effect", "low", "high", "against_last_year")
"""Columns of effects and of the ends of their intervals."""
NUMBERS = "text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums"
SIDES: Any = {
    "l": [{"selector": "td, th", "props": "text-align: left"}],
    "c": [{"selector": "td, th", "props": "text-align: center"}],
    "r": [{"selector": "th", "props": "text-align: right"}, {"selector": "td", "props": NUMBERS}],
}


@dataclass(frozen=True)
class Table:
    """A DataFrame with a caption that says what it shows and from which data; displays as both.

    Headings are in words, numbers stand on the decimal point, and both ends of an interval are one column.

    Attributes
    ----------
    frame : DataFrame
        With the columns of results (`p_value`), whatever the language, so that code holds for any study.
    caption : str
    language : {"en", "zh"}
        In which headings are shown.
    note : str
        How the numbers were made; it stands below.
    noun : str
        What the rows of the panel are, such as "county", where texts say village.
    centred : bool
        Whether columns after the first are centred, as coefficients with their errors are.
    most_rows : int
        How many rows a page shows.

    Examples
    --------
    >>> Table(pd.DataFrame({"p_value": [0.0421], "villages": [1274]}, index=["all"]), "Roster", note="Invented.")
    Roster
             p  villages
    all  0.042     1,274
    Invented.
    """

    frame: pd.DataFrame
    caption: str
    language: str = "en"
    note: str = ""
    centred: bool = False
    noun: str = "village"
    most_rows: int = FEW_ROWS

    def __repr__(self) -> str:
        shown = plain(columns_of(self.frame.head(self.most_rows), self.language, self.noun))
        return "\n".join(filter(None, [self.caption, shown, *self._below()]))

    def _repr_html_(self) -> str:
        columns = columns_of(self.frame.head(self.most_rows), self.language, self.noun)
        shown = pd.DataFrame({place: column.cells for place, column in enumerate(columns)}).style
        shown.cell_ids = False
        styles = {place: SIDES[side] for place, side in enumerate(self.sides(columns))}
        shown = shown.format(escape="html").hide(axis="index").set_table_styles(styles, overwrite=False)
        heads = [literal(escape(column.heading)) for column in columns]
        shown = shown.relabel_index(heads, axis="columns")
        shown = shown.set_caption(escape(self.caption)).set_table_attributes('class="dataframe"')
        shown = shown.set_uuid(sha256(repr(self).encode()).hexdigest()[:8])
        below = "".join(paragraph(said, "note") for said in self._below())
        return _without_formulas(shown.to_html()) + below

    def sides(self, columns: Sequence[Column]) -> list[str]:
        """To which side each column goes: l, c or r."""
        sides = ["r" if column.numeric else "l" for column in columns]
        return [sides[0], *"c" * (len(sides) - 1)] if self.centred else sides

    def _below(self) -> list[str]:
        """What stands below: how many rows are left out here, and the note."""
        more = len(self.frame) - self.most_rows
        left = say(self.language, "… and {number} more rows, in the CSV of this table.", number=fixed(more, 0))
        left = joined(self.language, filter(None, [left, spread(self.frame, self.language)]))
        return [left] * (more > 0) + [self.note] * bool(self.note)

    def to_latex(self, label: str = "table") -> str:
        """LaTeX of the table with its caption, label and note, to paste into a paper."""
        columns = columns_of(self.frame, self.language, self.noun)
        return latex_table(columns, self.sides(columns), caption=self.caption, label=label, note=self.note)


def paragraph(text: str, kind: str = "") -> str:
    """A text as it is typed, as HTML; its kind is a class for style sheets."""
    return _without_formulas(f"<p{kind and f' class={kind}'}>{escape(text)}</p>")


def _without_formulas(html: str) -> str:
    """A dollar sign or a backslash in an element of its own begins no formula."""
    return re.sub(r"[$\\]", r"<span>\g<0></span>", html)


def event_study_table(event_study: EventStudy) -> Table:
    """Effects by event time with their errors and intervals, rounded for reading.

    Where a treated group drops out, a column says how many are behind each effect: a jump there is no effect.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> event_study_table(event_study(load_study(), "households")).frame.index.name
    'event_time'
    """
    average, study = event_study.average(), event_study.study
    frame, behind = (_of_one_unit(event_study.frame(), average.unit), event_study.groups_behind())
    return captioned(
        frame.assign(groups=behind) if behind.min() < behind.max() else frame,
        study,
        "{label}{unit}: effect by event time, against {baseline}; 95 % interval from {method} clustered by {groups} "
        "groups{lost} ({data})",
        label=study.label_of(event_study.outcome),
        unit=bracketed(study.language, shown_unit(average.unit)),
        baseline=term(study.language, average.baseline),
        method=term(study.language, HEADLINE_NAME),
        groups=average.groups,
        lost=say(study.language, "; {reason}", reason=event_study.no_interval) if event_study.no_interval else "",
        data=_data(average),
    )


def estimates_table(estimates: Mapping[str, Estimate | StudyError]) -> Table:
    """Several estimates side by side, one row each, with what they rest on; a refusal is a row with its reason.

    Effects of logs and of Poisson regressions are in per cent of what would have been, and so are their intervals.

    Parameters
    ----------
    estimates : mapping of str to Estimate or StudyError
        Row names and estimates, all of one outcome or of several; one of them at least.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> estimates_table({"all villages": did(load_study(), "households")}).frame.index.tolist()
    ['all villages']
    """
    known = answered(estimates)
    study = next(iter(known.values())).study
    language, varying = study.language, ("unit", "baseline", "villages", "rows", "controls", "weights")
    labels = dict.fromkeys(term(language, estimate.study.label) for estimate in known.values())
    frame = compare(estimates, about=["baseline", "villages", "rows"]).drop(columns="df")
    specified = pd.DataFrame({name: _specified(one) for name, one in known.items()}).T
    frame = frame.join(specified.reindex(frame.index, fill_value="")).astype({"villages": "Int64", "rows": "Int64"})
    table = _in_shown_unit(frame.drop(columns=[] if frame["note"].any() else "note"))
    shared = [name for name in varying if len(set(table.loc[[*known], name])) == 1]
    alike = table[shared].iloc[0].map(lambda value: value if isinstance(value, str) else f"{value:,}")
    named = {name: of_units(language, term(language, name), study.noun) for name in shared}
    common = {named[name]: term(language, value) for name, value in alike.items() if value}
    return captioned(
        table.drop(columns=shared),
        study,
        "Estimates with {method}, clustered by group, 95 % intervals{common} ({data})",
        method=term(language, HEADLINE_NAME),
        common="".join(say(language, "; {name}: {value}", name=name, value=common[name]) for name in common),
        data=say(language, ", ").join(labels),
    )


def inference_table(estimate: Estimate, *, cluster: str = "group") -> Table:
    """Every method's test and interval of one estimate, without the notes, for reading.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> inference_table(did(load_study(), "households")).frame.index.tolist()
    ['cr1', 'cr2', 'cr3', 'wild_bootstrap', 'randomization']
    """
    tests, warning = estimate.inference(cluster=cluster), estimate.no_interval
    study, language = estimate.study, estimate.study.language
    return captioned(
        _of_one_unit(tests.drop(columns="note"), estimate.unit),
        study,
        "{caution}{label}: effect {value}{unit} against {baseline}, 95 % intervals by method, clusters: {cluster} "
        "({data})",
        caution=say(language, "Caution, {warning}. ", warning=term(language, warning)) if warning else "",
        label=study.label_of(estimate.outcome),
        value=amounts(*shown(estimate.unit, np.array([estimate.value, *estimate.headline()[["low", "high"]]])))[0],
        unit=bracketed(language, shown_unit(estimate.unit)),
        baseline=term(language, estimate.baseline),
        cluster=term(language, cluster),
        data=_data(estimate),
    )


def effects_table(frame: pd.DataFrame, study: Study, title: str, outcome: str = "", scale: str | None = None) -> Table:
    """Effects from any verb as readers see them: in per cent of what would have been, or in the outcome's unit.

    Use it for the frames of `leave_one_out`, `placebo_starts`, `other_starts`, `across_outcomes` or `by_district`.

    Parameters
    ----------
    frame : DataFrame
        Effects and the ends of their intervals in columns such as estimate, low and high; `unit` where they differ.
    title : str
        What the table shows.
    outcome, scale
        Whose effects all of them are, and on which scale, by default the outcome's own.

    Examples
    --------
    >>> from analysis import load_study
    >>> from analysis.robustness.leave_one_out import leave_one_out
    >>> study = load_study()
    >>> effects_table(leave_one_out(study, "households"), study, "without each district", "households").caption
    'Households (%): without each district (simulated data)'
    """
    frame = frame.rename(index={name: study.label_of(name) for name in study.outcomes})
    if not outcome:
        return captioned(_in_shown_unit(frame), study, "{title} ({data})", title=in_own_words(study, study.term(title)))
    unit = study.effect_unit(outcome, scale)
    return captioned(
        _of_one_unit(frame, unit),
        study,
        "{label}{unit}: {title} ({data})",
        label=study.label_of(outcome),
        unit=bracketed(study.language, shown_unit(unit)),
        title=in_own_words(study, study.term(title)),
    )


def _of_one_unit(frame: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Effects that all have one unit, as readers see them; the caption names it."""
    return _in_shown_unit(frame.assign(unit=unit)).drop(columns="unit")


def _in_shown_unit(frame: pd.DataFrame) -> pd.DataFrame:
    """Effects, row by row in their own `unit`, as readers see them; without what has no such unit."""
    ratio = frame["unit"] == LOG_POINTS
    known = {name: frame[name] for name in SHOWN_EFFECTS if name in frame}
    changed = {name: one.where(~ratio, shown(LOG_POINTS, one.where(ratio))) for name, one in known.items()}
    changed |= {name: frame[name].where(~ratio) for name in ("std_error", "per_cent") if name in frame and ratio.any()}
    empty = [name for name in ("std_error", "per_cent") if name in changed and changed[name].isna().all()]
    return frame.assign(**changed, unit=frame["unit"].map(shown_unit)).drop(columns=empty)


def _specified(estimate: Estimate) -> dict[str, str]:
    """Controls and weights in the study's language."""
    return specification(estimate.fitted.sample, estimate.study.label_of, estimate.study.language)


def _data(estimate: Estimate) -> str:
    """Whose data, and the controls and weights where there are any."""
    language, said = estimate.study.language, _specified(estimate)
    parts = [say(language, "; {name}: {value}", name=term(language, n), value=v) for n, v in said.items() if v]
    return term(language, estimate.study.label) + "".join(parts)


def captioned(frame: pd.DataFrame, study: Study, caption: str, **values: object) -> Table:
    """A table in the study's language; `data`, where it is not given, is the study's provenance."""
    groups = study.units.query("first_treated.notna()")["group"].nunique()
    most = MANY_ROWS if groups > FEW_ROWS else FEW_ROWS
    return Table(frame, study.say(caption, **values), study.language, noun=study.noun, most_rows=most)
