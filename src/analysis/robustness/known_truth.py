"""What was built into simulated panels, beside what was found on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.language.labels import bracketed, joined, say, term
from analysis.messages import fixed, in_sentence
from analysis.presentation.forest import plot_forest
from analysis.presentation.tables import captioned
from analysis.reading.read_files import DATA, read_table
from analysis.reading.study_file import load_study
from analysis.robustness.check import Finding, in_short
from analysis.study.outcome import LOG_POINTS, effect_in_words, shown
from analysis.study.study import Study

AFFECTED = ("collective_income_cny", "operating_income_cny")
"""Outcomes that districts raise in the simulated panel; nothing else responds."""
KINDS = {
    "as stored": "like the stored one",
    "without effect": "without an effect inside the districts",
    "strong spillover": "with strong spillovers to neighbours",
    "strong selection on trend": "whose districts were growing faster before",
    "reports not moved": "without reports moved over a mark",
}


def truth_beside_found() -> Finding:
    """The effects built into the project's own panel, beside what `did` finds on it.

    Examples
    --------
    >>> truth_beside_found().tables[0].frame.columns.tolist()
    ['truth', 'estimate', 'low', 'high', 'p_value']
    """
    study = load_study(DATA / "study.toml")
    language, found = study.language, {name: did(study, name) for name in study.outcomes}
    truth = _built_in(study)
    by_label = {study.label_of(name): one for name, one in found.items()}
    frame = compare(by_label)[["estimate", "low", "high", "p_value"]]
    frame[["estimate", "low", "high"]] = shown(LOG_POINTS, frame[["estimate", "low", "high"]])
    frame.insert(0, "truth", [100 * np.expm1(truth[name]) for name in found])
    known = [one for one in found.values() if not one.no_interval]
    ends = [(truth[one.outcome], one.headline()["low"], one.headline()["high"]) for one in known]
    whole = say(
        language,
        "We built {truth} into {label} and found {estimate}. Of {number} intervals {held} contain the true value: "
        "outcomes of one panel share its luck.",
        truth=effect_in_words(LOG_POINTS, truth[study.primary_outcome], language),
        label=in_sentence(study.label_of(study.primary_outcome)),
        estimate=in_short(found[study.primary_outcome]),
        held=sum(low <= value <= high for value, low, high in ends),
        number=len(known),
    )
    said = [whole]
    wrong = [study.label_of(one.outcome) for one, end in zip(known, ends, strict=True) if end[0] == 0 < end[1] * end[2]]
    if wrong:
        positive = "Nothing was built into {labels}, and the interval excludes zero: a false positive."
        said.append(say(language, positive, labels=say(language, ", ").join(map(in_sentence, wrong))))
    said += [
        study.say("{label} has no interval: {reason}.", label=study.label_of(name), reason=study.term(one.no_interval))
        for name, one in found.items()
        if one.no_interval
    ]
    table = captioned(frame, study, "Effects in per cent: what was built in and what was found ({data})")
    return Finding(study, joined(language, said), by_label, (table,), lambda: _drawn(by_label, frame["truth"]))


def _built_in(study: Study) -> dict[str, float]:
    """The effect built into each outcome, in log points: the mean over village-years under treatment."""
    effects = read_table("simulated_true_effects").merge(study.units, left_on="village_code", right_index=True)
    mean = float(effects.loc[effects["year"] >= effects["first_treated"], "effect_log_points"].mean())
    return {name: mean if name in AFFECTED else 0.0 for name in study.outcomes}


def _drawn(estimates: dict[str, Estimate], truth: pd.Series) -> Any:
    axes, study = plot_forest(estimates), next(iter(estimates.values())).study
    language, data = study.language, term(study.language, study.label)
    axes.plot(truth, range(len(truth)), "D", color="black", fillstyle="none", label=say(language, "built in"))
    axes.legend(loc="lower left")
    axes.set_title(say(language, "What was built in and what was found ({data})", data=data), loc="left")
    return axes


def known_panels(kind: str, unit: str = "%", beside: Sequence[str] = ()) -> Finding:
    """What the checks found on simulated panels of one kind, whose truth is known (`benchmarks/built_in_checks.py`).

    Use it before leaning on a check: how often its interval contains the true value, and how often it excludes zero.

    Parameters
    ----------
    kind : str
        "as stored", "without effect", "strong spillover", "strong selection on trend" or "reports not moved".
    unit : {"%", "CNY"}
        Effects in per cent, and in logs those that have no other; or in money.
    beside : sequence of str
        Other rows of the table to say too, such as "slope before".

    Examples
    --------
    >>> len(known_panels("without effect").tables[0].frame)
    10
    """
    study = load_study(DATA / "study.toml")
    language, all_rows = study.language, read_table("simulated_built_in_checks")
    rows = all_rows.query("panel == @kind")
    units = ("CNY",) if unit == "CNY" else ("%", "log points", "share")
    rows = pd.concat([rows[rows["unit"] == one] for one in units]).drop_duplicates("quantity").set_index("quantity")
    effect, worst = rows.loc["effect"], rows["coverage"].idxmin()
    counted, drawn = int(effect["panels"]), int(all_rows["panels"].max())
    whole = say(
        language,
        "On {number} panels {kind} we built in {truth} and found {mean} on average. The 95 % interval contains the "
        "true value in {coverage} % of them and excludes zero in {excludes} %. Of all checks the interval of "
        "“{worst}” contains it least often, in {least} %.",
        number=fixed(counted, 0),
        kind=say(language, KINDS[kind]),
        **_row(effect, language),
        worst=term(language, str(worst)),
        least=fixed(100 * rows.loc[worst, "coverage"], 0),
    )
    said = [whole]
    if counted < drawn:
        left = "In the other {left} of {drawn} one village has most of the money, so they have no interval in per cent."
        said.append(say(language, left, left=drawn - counted, drawn=drawn))
    said += [
        say(
            language,
            "“{name}”: built in {truth}, found {mean}; the interval contains the true value in {coverage} % and "
            "excludes zero in {excludes} %.",
            name=term(language, name),
            **_row(rows.loc[name], language),
        )
        for name in beside
    ]
    shares = {"interval contains the true value (%)": "coverage", "interval excludes zero (%)": "leaves_out_zero"}
    shares = {name: (100 * rows[column]).round() for name, column in shares.items()}
    frame = rows[["unit", "truth", "mean"]].assign(**shares, panels=rows["panels"]).rename_axis("what is estimated")
    title = "Panels {kind}: what was built in and what was found, means over panels ({data})"
    return Finding(
        study, joined(language, said), results=(captioned(frame, study, title, kind=say(language, KINDS[kind])),)
    )


def _row(row: pd.Series, language: str) -> dict[str, str]:
    """What was built in and found of one quantity, with its unit, and how its intervals did."""
    decimals = {"%": 1, "CNY": 0}.get(row["unit"], 2)
    one = "{number} %" if row["unit"] == "%" else "{number} {unit}"
    unit = "" if row["unit"] == "share" else term(language, row["unit"])
    said = {}
    for name in ("truth", "mean"):
        percent = effect_in_words(LOG_POINTS, row[name], language) if row["unit"] == LOG_POINTS else ""
        number = say(language, one, number=fixed(row[name], decimals), unit=unit).rstrip()
        said[name] = number + bracketed(language, percent)
    return said | {"coverage": fixed(100 * row["coverage"], 0), "excludes": fixed(100 * row["leaves_out_zero"], 0)}
