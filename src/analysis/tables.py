"""Tables for notebooks and papers: results in, a DataFrame with a caption out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from analysis.cluster_robust import caution
from analysis.estimates import Estimate, EventStudy
from analysis.inference import HEADLINE_NAME, assignment_pieces
from analysis.messages import StudyError, amount, first
from analysis.study import Study


@dataclass(frozen=True)
class Table:
    """A DataFrame with a caption that says what it shows and from which data; displays as both.

    Examples
    --------
    >>> Table(pd.DataFrame({"villages": [274]}), "Roster")
    Roster
       villages
    0       274
    """

    frame: pd.DataFrame
    caption: str

    def __repr__(self) -> str:
        return f"{self.caption}\n{self._shown().to_string(float_format=amount, na_rep='')}"

    def _repr_html_(self) -> str:
        head, body = self._shown().to_html(float_format=amount, na_rep="").split(">", 1)
        return f"{head}><caption>{escape(self.caption)}</caption>{body}"

    def _shown(self) -> pd.DataFrame:
        """The frame with whole numbers as text, because missing ones would be shown as <NA>."""
        whole = self.frame.select_dtypes("Int64").columns
        return self.frame.astype(dict.fromkeys(whole, object)).fillna(dict.fromkeys(whole, ""))

    def to_latex(self) -> str:
        """LaTeX of the table with its caption, to paste into a paper."""
        return self._shown().to_latex(caption=self.caption, float_format=amount, na_rep="", escape=True)


def four_means(study: Study, outcome: str) -> Table:
    """Mean outcome inside and outside, before and after, with changes and the difference of changes.

    Use it to show a difference-in-differences by hand. On a balanced panel (`study.complete(outcome)`) the
    difference of changes equals `did`.

    Parameters
    ----------
    study : Study
        With one start year.
    outcome : str

    Raises
    ------
    StudyError
        With several start years, where "after" has no single meaning for untreated villages.

    Examples
    --------
    >>> from analysis import load_study
    >>> four_means(load_study(), "households").frame.columns.tolist()
    ['before', 'after', 'change', 'villages']
    """
    if len(study.starts) > 1:
        raise StudyError(
            f"Four means need one start year; this study has {len(study.starts)} "
            f"({first(study.starts)}). Use did and event_study."
        )
    frame = _observed(study, outcome)
    period = np.where(frame["year"] < study.starts[0], "before", "after")
    means = frame.groupby(["place", period])["value"].mean().unstack()[["before", "after"]]
    means.loc["difference"] = means.loc["inside"] - means.loc["outside"]
    means["change"] = means["after"] - means["before"]
    means["villages"] = frame.groupby("place")["unit"].nunique()
    described = study.describe(outcome)
    means = means.loc[["inside", "outside", "difference"]].rename_axis(None)
    return Table(
        means.astype({"villages": "Int64"}),
        f"{described.label}{_unit(described.unit)}, means of {len(frame):,} village-years; "
        f"after = from {study.starts[0]} ({study.label})",
    )


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
    rows = {}
    for name in outcomes or study.outcomes:
        frame = _observed(study, name)
        before = frame[frame["year"] < study.starts[0]]
        described = study.describe(name)
        label = f"{described.label}{_unit(described.unit)}"
        villages = before.groupby(["place", "unit"])
        rows[f"{label}: level"] = _compare(villages["value"].mean())
        change = villages.apply(lambda part: _yearly_change(part["year"], part["value"]), include_groups=False)
        rows[f"{label}: change per year"] = _compare(change.dropna())
    table = pd.DataFrame.from_dict(rows, orient="index")
    return Table(table, f"Villages before {study.starts[0]}, means over villages ({study.label})")


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
    counts = frame.groupby(["time", "place"])["unit"].size().unstack()[["inside", "outside"]]
    counts["absent"] = frame["unit"].nunique() - counts.sum(axis=1)
    counts["outcome missing"] = frame["value"].isna().groupby(frame["time"]).sum()
    counts["outcome zero"] = frame["value"].eq(0).groupby(frame["time"]).sum()
    counts = counts.rename_axis(index="year", columns=None)
    return Table(counts, f"Villages in the panel by year; outcome: {study.describe(outcome).label} ({study.label})")


def event_study_table(event_study: EventStudy) -> Table:
    """Effects by event time with their errors and intervals, rounded for reading.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> event_study_table(event_study(load_study(), "households")).frame.index.name
    'event_time'
    """
    average = event_study.average()
    label = event_study.study.describe(event_study.outcome).label
    return Table(
        event_study.frame(),
        f"{label}{_unit(average.unit)}: effect by event time, against {event_study.baseline}; 95 % interval from "
        f"{HEADLINE_NAME} clustered by {average.groups} groups ({event_study.study.label})",
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
    labels = ", ".join(dict.fromkeys(estimate.study.label for estimate in estimates.values()))
    table = pd.DataFrame.from_dict(rows, orient="index").infer_objects()
    shared = [name for name in ("unit", "baseline", "villages", "rows") if len(set(table[name])) == 1]
    common = "".join(f"; {name}: {table[name].iloc[0]}" for name in shared if table[name].iloc[0])
    table = table.drop(columns=shared)
    return Table(table, f"Estimates with {HEADLINE_NAME}, clustered by group, 95 % intervals{common} ({labels})")


def inference_table(estimate: Estimate, *, cluster: str = "group") -> Table:
    """Every method's test and interval of one estimate, without the notes, for reading.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> inference_table(did(load_study(), "households")).frame.index.tolist()
    ['cr1', 'cr2', 'cr3', 'wild_bootstrap', 'randomization']
    """
    tests = estimate.inference(cluster=cluster)
    warning = caution(assignment_pieces(estimate))
    cautioned = f"Caution, {warning}. " if warning else ""
    described = estimate.study.describe(estimate.outcome)
    return Table(
        tests.drop(columns="note"),
        f"{cautioned}{described.label}: effect {amount(estimate.value)}{_unit(estimate.unit)} "
        f"against {estimate.baseline}, 95 % intervals by method, clusters: {cluster} ({estimate.study.label})",
    )


def _observed(study: Study, outcome: str) -> pd.DataFrame:
    """Village-years with the outcome: unit, year, place, value."""
    frame = pd.DataFrame(
        {
            "unit": study.frame["unit"],
            "year": study.frame["time"],
            "place": place(study.frame),
            "value": study.column(outcome),
        }
    )
    return frame.dropna(subset="value")


def place(frame: pd.DataFrame) -> np.ndarray:
    """Whether each row's village is ever treated: "inside" or "outside"."""
    return np.where(frame["first_treated"].notna(), "inside", "outside")


def _yearly_change(years: pd.Series, values: pd.Series) -> float:
    return np.polyfit(years - years.mean(), values, 1)[0] if len(years) > 1 else np.nan


def _compare(villages: pd.Series) -> dict[str, float]:
    inside, outside = villages.loc["inside"], villages.loc["outside"]
    gap = inside.mean() - outside.mean()
    spread = np.sqrt((inside.var() + outside.var()) / 2)
    return {
        "inside": inside.mean(),
        "outside": outside.mean(),
        "difference": gap,
        "normalised difference": gap / spread,
    }


def _unit(unit: str) -> str:
    return f" ({unit})" if unit else ""
