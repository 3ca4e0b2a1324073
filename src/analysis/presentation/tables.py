"""Tables for notebooks and papers: results in, a DataFrame with a caption out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.inference.cluster_robust import ROUNDING_TOLERANCE
from analysis.inference.methods import HEADLINE_NAME, hypothesis_test
from analysis.language.labels import bracketed, say, term
from analysis.messages import amount
from analysis.regression.sample import select_sample
from analysis.study.study import Study

LATEX = str.maketrans({**{char: f"\\{char}" for char in "%&#$_{}"}, "\\": r"\textbackslash{}"})
LATEX |= {ord("~"): r"\textasciitilde{}", ord("^"): r"\textasciicircum{}"}
"""What stands for itself in LaTeX only when escaped; pandas escapes cells, but not captions."""
SMALLEST_P_SHOWN = 0.001
NUMBERS = {"float_format": amount, "na_rep": ""}


@dataclass(frozen=True)
class Table:
    """A DataFrame with a caption that says what it shows and from which data; displays as both.

    Attributes
    ----------
    frame : DataFrame
        With English headings, whatever the language, so that code holds for any study.
    caption : str
    language : {"en", "zh"}
        In which headings are shown.

    Examples
    --------
    >>> Table(pd.DataFrame({"villages": [274]}), "Roster")
    Roster
       villages
    0       274
    """

    frame: pd.DataFrame
    caption: str
    language: str = "en"

    def __repr__(self) -> str:
        return f"{self.caption}\n{self._shown().to_string(float_format=amount, na_rep='')}"

    def _repr_html_(self) -> str:
        head, body = self._shown().to_html(**NUMBERS).split(">", 1)
        return f"{head}><caption>{escape(self.caption)}</caption>{body}"

    def _shown(self, in_full: bool = False) -> pd.DataFrame:
        """The frame in its language; as text whole numbers, whose missing ones would be <NA>, and small p-values."""
        whole = self.frame.select_dtypes("Int64").columns
        frame = self.frame.astype(dict.fromkeys(whole, object)).fillna(dict.fromkeys(whole, ""))
        for name in frame.select_dtypes(float).columns:
            if not in_full and str(name).startswith("p_") and (small := frame[name] < SMALLEST_P_SHOWN).any():
                frame[name] = frame[name].astype(object).mask(small, f"<{SMALLEST_P_SHOWN}")
        return frame if self.language == "en" else _translated(frame, self.language)

    def to_latex(self) -> str:
        """LaTeX of the table with its caption, to paste into a paper."""
        latex = self._shown().to_latex(caption=self.caption.translate(LATEX), **NUMBERS, escape=True)
        return latex.replace(f"<{SMALLEST_P_SHOWN}", f"$<${SMALLEST_P_SHOWN}")


def four_means(study: Study, outcome: str) -> Table:
    """Mean outcome inside and outside, before and after, with changes and the difference of changes.

    Use it to show a difference-in-differences by hand. With several start years there is one block for each: the
    villages first treated in that year beside those never treated, before and from that year. On a balanced panel
    (`study.complete(outcome)`) a block's difference of changes equals `did` on the block's villages. An outcome that
    the study analyses in logs is averaged in logs.

    Parameters
    ----------
    study : Study
    outcome : str

    Examples
    --------
    >>> from analysis import load_study
    >>> four_means(load_study(), "households").frame.columns.tolist()
    ['before', 'after', 'change', 'villages']
    """
    frame = _observed(study, outcome)
    blocks = {start: _four_means(frame, start) for start in study.starts}
    return _captioned(
        pd.concat(blocks, names=["first_treated", None]) if len(blocks) > 1 else blocks[study.starts[0]],
        study,
        "{label}, means of {rows:,} village-years; after = from {start} ({data})",
        label=_scaled_label(study, outcome),
        rows=len(frame),
        start=say(study.language, ", ").join(map(str, study.starts)),
    )


def _four_means(frame: pd.DataFrame, start: int) -> pd.DataFrame:
    """The villages of one start year beside those never treated; missing where a place has no such village-year."""
    frame = frame[frame["first_treated"].fillna(start) == start]
    period = np.where(frame["time"] < start, "before", "after")
    means = frame.groupby(["place", period])["value"].mean().unstack()
    means = means.reindex(index=["inside", "outside"], columns=["before", "after"])
    means.loc["difference"] = means.loc["inside"] - means.loc["outside"]
    means["change"] = means["after"] - means["before"]
    means["villages"] = frame.groupby("place")["unit"].nunique()
    return means.rename_axis(None).astype({"villages": "Int64"})


def balance(study: Study, outcomes: Sequence[str] | None = None) -> Table:
    """Inside and outside before any treatment: level and yearly change of each outcome.

    Use it to see whether the villages were alike. The normalised difference divides the gap by the root mean
    of both variances over villages; beyond about 0.25 in size, regression adjustment leans on its form
    (Imbens & Rubin 2015, doi:10.1017/CBO9781139025751, chapter 14).

    Parameters
    ----------
    study : Study
    outcomes : sequence of str, optional
        Default: all outcomes of the study.

    Examples
    --------
    >>> from analysis import load_study
    >>> len(balance(load_study(), ["households"]).frame)
    2
    """
    rows, language = {}, study.language
    for name in outcomes or study.outcomes:
        frame = _observed(study, name)
        before = frame[frame["time"] < study.starts[0]]
        label = _scaled_label(study, name)
        villages = before.groupby(["place", "unit"])
        level = villages["value"].mean()
        rows[say(language, "{label}: level", label=label)] = _compare(level)
        changes = [_yearly_change(part["time"], part["value"]) for _, part in villages]
        change = pd.Series(changes, level.index, dtype=float)
        rows[say(language, "{label}: change per year", label=label)] = _compare(change.dropna())
    table = pd.DataFrame.from_dict(rows, orient="index")
    return _captioned(table, study, "Villages before {start}, means over villages ({data})", start=study.starts[0])


def panel_coverage(study: Study, outcome: str | None = None) -> Table:
    """Year by year: villages in the panel, inside and outside, and what is missing or zero in the outcome.

    Examples
    --------
    >>> from analysis import load_study
    >>> panel_coverage(load_study()).frame.columns.tolist()
    ['inside', 'outside', 'absent', 'outcome missing', 'outcome zero']
    """
    outcome = outcome or study.primary_outcome
    frame = study.frame.assign(value=study.column(outcome), place=place(study.frame))
    counts = frame.groupby(["time", "place"])["unit"].size().unstack(fill_value=0)[["inside", "outside"]]
    counts["absent"] = frame["unit"].nunique() - counts.sum(axis=1)
    counts["outcome missing"] = frame["value"].isna().groupby(frame["time"]).sum()
    counts["outcome zero"] = frame["value"].eq(0).groupby(frame["time"]).sum()
    counts = counts.rename_axis(index="year", columns=None)
    caption = "Villages in the panel by year; outcome: {label} ({data})"
    return _captioned(counts, study, caption, label=study.label_of(outcome))


def event_study_table(event_study: EventStudy) -> Table:
    """Effects by event time with their errors and intervals, rounded for reading.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> event_study_table(event_study(load_study(), "households")).frame.index.name
    'event_time'
    """
    average, study = event_study.average(), event_study.study
    return _captioned(
        event_study.frame(),
        study,
        "{label}{unit}: effect by event time, against {baseline}; 95 % interval from {method} clustered by {groups} "
        "groups ({data})",
        label=study.label_of(event_study.outcome),
        unit=bracketed(study.language, average.unit),
        baseline=term(study.language, average.baseline),
        method=term(study.language, HEADLINE_NAME),
        groups=average.groups,
    )


def estimates_table(estimates: Mapping[str, Estimate]) -> Table:
    """Several estimates side by side, one row each, with what they rest on.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        Row names and estimates, all of one outcome or of several.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> estimates_table({"all villages": did(load_study(), "households")}).frame.index.tolist()
    ['all villages']
    """
    kept = ["estimate", "unit", "std_error", "low", "high", "p_value", "per_cent", "baseline", "villages", "rows"]
    rows = {name: estimate.frame().iloc[0][kept] for name, estimate in estimates.items()}
    study = next(iter(estimates.values())).study
    language = study.language
    labels = dict.fromkeys(term(language, estimate.study.label) for estimate in estimates.values())
    table = pd.DataFrame.from_dict(rows, orient="index").infer_objects()
    shared = [name for name in ("unit", "baseline", "villages", "rows") if len(set(table[name])) == 1]
    common = {term(language, name): term(language, str(table[name].iloc[0])) for name in shared if table[name].iloc[0]}
    return _captioned(
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
    tests = estimate.inference(cluster=cluster)
    warning = hypothesis_test(estimate.fitted, estimate.effect).caution
    study, language = estimate.study, estimate.study.language
    return _captioned(
        tests.drop(columns="note"),
        study,
        "{caution}{label}: effect {value}{unit} against {baseline}, 95 % intervals by method, clusters: {cluster} "
        "({data})",
        caution=say(language, "Caution, {warning}. ", warning=term(language, warning)) if warning else "",
        label=study.label_of(estimate.outcome),
        value=amount(estimate.value),
        unit=bracketed(language, estimate.unit),
        baseline=term(language, estimate.baseline),
        cluster=term(language, cluster),
    )


def _captioned(frame: pd.DataFrame, study: Study, caption: str, **values: object) -> Table:
    """A table in the study's language; `data`, where it is not given, is the study's provenance."""
    values = {"data": term(study.language, study.label)} | values
    return Table(frame, say(study.language, caption, **values), study.language)


def _translated(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """The frame with its headings, row names and words in a language."""

    def said(cell: object) -> object:
        return term(language, cell) if isinstance(cell, str) else cell

    return frame.map(said).rename(columns=said, index=said).rename_axis(index=said, columns=said)


def _observed(study: Study, outcome: str) -> pd.DataFrame:
    """Village-years with the outcome, in logs where the study analyses it so: the design, and place and value."""
    sample = select_sample(study, outcome, scale="log" if study.describe(outcome).log else "level")
    return sample.frame.assign(place=place(sample.frame), value=sample.outcome)


def _scaled_label(study: Study, outcome: str) -> str:
    """An outcome's label with its unit, and whether it is in logs."""
    described = study.describe(outcome)
    return study.label_of(outcome) + bracketed(study.language, described.unit, "in logs" if described.log else "")


def place(frame: pd.DataFrame) -> np.ndarray:
    """Whether each row's village is ever treated: "inside" or "outside"."""
    return np.where(frame["first_treated"].notna(), "inside", "outside")


def _yearly_change(years: pd.Series, values: pd.Series) -> float:
    """Slope of the line through a village's years, zero where it is rounding; missing for a single year."""
    if len(years) < 2:
        return np.nan
    slope = np.polyfit(years - years.mean(), values, 1)[0]
    return slope if abs(slope) * np.ptp(years) > ROUNDING_TOLERANCE * values.abs().max() else 0.0


def _compare(villages: pd.Series) -> dict[str, float]:
    """Means inside and outside of one number for each village, indexed by place and unit."""
    inside, outside = (villages[villages.index.get_level_values("place") == where] for where in ("inside", "outside"))
    gap = inside.mean() - outside.mean()
    spread = np.sqrt((inside.var() + outside.var()) / 2)
    return {
        "inside": inside.mean(),
        "outside": outside.mean(),
        "difference": gap,
        "normalised difference": gap / spread if spread > 0 else np.nan,
    }
