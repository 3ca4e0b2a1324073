"""Before and after, inside and outside: four means as a figure, and the textbook's formula beside `did`."""

from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import signed
from analysis.effects.verbs import did
from analysis.language.labels import bracketed, say, term
from analysis.language.texts import said
from analysis.messages import Said, StudyError, amount, first, fixed, in_sentence, plural
from analysis.presentation.descriptive import four_means
from analysis.presentation.plots import drawn_label, finish, without_formulas
from analysis.presentation.style import INSIDE, OUTSIDE
from analysis.study.specification import NONE
from analysis.study.study import Study

MOST_PANELS = 6


def gap_moved(study: Study, outcome: str) -> Said:
    """Whether the gap between inside and outside changed: the answer of page 03, by the interval of `did`.

    Examples
    --------
    >>> from analysis import load_study
    >>> gap_moved(load_study(), "households")
    Simulated data: the interval includes zero: the data cannot tell the effect from none.
    """
    verdict = in_sentence(said(study.language, did(study, outcome).verdict))
    return Said(study.say("{data}: {verdict}", verdict=verdict))


def plot_four_means(study: Study, outcome: str) -> np.ndarray:
    """Means inside and outside, before and after; dashed, what inside would have had with the change outside.

    Use it as the picture of a difference-in-differences: the effect is the gap between the full and the dashed line.
    Where changes are compared in per cent the axis is logarithmic, so that equal growth is parallel. With several start
    years there is a panel for each, of six at most.

    Returns
    -------
    ndarray of Axes, shape (start years,)

    Examples
    --------
    >>> from analysis import load_study
    >>> plot_four_means(load_study(), "households").shape
    (1,)
    """
    table, starts, language = four_means(study, outcome).frame, study.starts[:MOST_PANELS], study.language
    ratio, columns = study.scale_of(outcome) == "poisson", min(len(starts), 3)
    rows = -(-len(starts) // columns)
    axes = plt.subplots(rows, columns, squeeze=False, figsize=(7.0, 0.8 + 3.0 * rows))[1].ravel()
    for ax, start in zip(axes, starts, strict=False):
        means = table.loc[start] if len(study.starts) > 1 else table
        _draw_means(ax, means, ratio, language)
        finish(ax, language, "" if len(starts) == 1 else str(start), "")
        ax.set_xticks(
            [0, 1], [say(language, "before {start}", start=start), say(language, "from {start}", start=start)]
        )
    for ax in axes[len(starts) :]:
        ax.remove()
    detail = bracketed(language, study.describe(outcome).unit, "in logs" if study.scale_of(outcome) == "log" else "")
    axes[0].set_ylabel(without_formulas(f"{drawn_label(study, outcome)}{detail}"), wrap=True)
    title = "Four means ({data}; dashed: inside with the change outside)"
    axes[0].set_title(study.say(title))
    return axes[: len(starts)]


def _draw_means(ax: Axes, means: pd.DataFrame, ratio: bool, language: str) -> None:
    """Two lines, the dashed one, their names on the left and the effect on the right."""
    inside, outside = (means.loc[side, ["before", "after"]].astype(float) for side in ("inside", "outside"))
    moved = outside["after"] / outside["before"] if ratio else outside["after"] - outside["before"]
    without = inside["before"] * moved if ratio else inside["before"] + moved
    small: dict[str, Any] = {"textcoords": "offset points", "fontsize": "small"}
    for name, line, colour in (("inside", inside, INSIDE), ("outside", outside, OUTSIDE)):
        ax.plot([0, 1], line, "o-", color=colour)
        for at, place in enumerate(("before", "after")):
            if np.isfinite(line[place]):
                ax.annotate(amount(line[place]), (at, line[place]), xytext=(0, 8), ha="center", color=colour, **small)
        if np.isfinite(line["before"]):
            beside = {"ha": "right", "va": "center", "color": colour} | small
            ax.annotate(term(language, name), (0, line["before"]), xytext=(-24, 0), **beside)
    ax.plot([0, 1], [inside["before"], without], "--", color=INSIDE, alpha=0.6)
    change = means["change"].iloc[-1]
    if np.isfinite(change):
        said = f"{signed(fixed(change, 1))} %" if ratio else signed(amount(change))
        ax.annotate(said, (1, inside["after"]), xytext=(26, 0), va="center", color=INSIDE, weight="bold", **small)
    ax.set_xlim(-0.35, 1.3)
    if ratio:
        ax.set_yscale("log")
    ax.margins(y=0.2)


def by_hand(study: Study, outcome: str) -> Said:
    """The effect from the four means and from `did`, on villages seen in every year, where both are the same.

    Raises
    ------
    StudyError
        As `two_by_two`.

    Examples
    --------
    >>> from analysis import load_study
    >>> by_hand(load_study(), "households")
    Simulated data, villages seen in every year (251): the four means give −0.303 %, the regression −0.303 %.
    """
    estimate, ratio = two_by_two(study, outcome).estimate, study.scale_of(outcome) == "poisson"
    change = four_means(study.complete(outcome), outcome).frame["change"].iloc[-1]
    said = study.say(
        "{data}, villages seen in every year ({number}): the four means give {hand}, the regression {did}.",
        number=len(estimate.study.units),
        hand=f"{fixed(change, 3)} %" if ratio else amount(change),
        did=f"{fixed(estimate.percent, 3)} %" if ratio else amount(estimate.value),
    )
    return Said(said)


@dataclass(frozen=True)
class TwoByTwo:
    """Rows as a textbook has them, and `did` of the same rows.

    Attributes
    ----------
    estimate : Estimate
    frame : DataFrame
        One row per village-year: outcome, inside, after, village, group.
    """

    estimate: Estimate
    frame: pd.DataFrame


def two_by_two(study: Study, outcome: str, scale: str | None = None) -> TwoByTwo:
    """Rows for the textbook's formula `outcome ~ inside * after`, of the villages seen in every year.

    Use it to find `did` again with `statsmodels.formula.api`: on such rows the coefficient of `inside:after` is the
    effect, by `ols` in levels and by `glm` with a Poisson family in per cent. There are no controls and no weights;
    `regression_table` sets both side by side.

    Parameters
    ----------
    study, outcome, scale
        As in `did`.

    Raises
    ------
    StudyError
        With several start years, without a village seen in every year, and as in `did`.

    Examples
    --------
    >>> import statsmodels.formula.api as smf
    >>> from analysis import load_study
    >>> data = two_by_two(load_study(), "households", "level")
    >>> fitted = smf.ols("outcome ~ inside * after", data.frame).fit()
    >>> bool(np.isclose(fitted.params["inside:after"], data.estimate.value))
    True
    """
    if len(study.starts) > 1:
        raise StudyError(
            "The formula inside * after is for one start year, and this study has {number}: {starts}. Its coefficient "
            "would also compare {units} with ones treated before them. Use did.",
            number=len(study.starts),
            starts=first(study.starts),
            units=plural(study.noun),
        )
    estimate = did(study.complete(outcome), outcome, scale=scale, controls=(), weights=NONE, collapse=False)
    sample = estimate.fitted.sample
    inside, after = sample.frame["first_treated"].notna(), sample.frame["time"] >= study.starts[0]
    rows = {"outcome": sample.outcome, "inside": inside.astype(int), "after": after.astype(int)}
    rows |= {"village": sample.frame["unit"], "group": sample.frame["group"].astype(str)}
    return TwoByTwo(estimate, pd.DataFrame(rows).reset_index(drop=True))
