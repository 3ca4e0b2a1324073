"""Regressions side by side as journals print them: coefficients, errors below, what each rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.comparison import answered
from analysis.effects.estimate import Estimate
from analysis.effects.journal_column import TREATED
from analysis.effects.sentence import signed, specification
from analysis.inference.methods import HEADLINE_NAME
from analysis.language.labels import joined, say, term
from analysis.messages import StudyError, amount, amounts, decimals_of, fixed, plural, shared_decimals
from analysis.presentation.tables import Table, captioned
from analysis.study.outcome import SCALED
from analysis.study.study import Study

STARS = (0.1, 0.05, 0.01)


def regression_table(
    models: Mapping[str, Any],
    *,
    interval: bool = False,
    stars: bool = False,
    keep: Sequence[str] | str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Table:
    """Regressions side by side as journals print them: coefficient, standard error below, what each rests on.

    Use it for a paper's main table: one outcome on several scales, with and without controls or weights, or beside a
    textbook regression. It is laid out by `maketables.ETable`, which also takes an `Estimate` itself beside any result
    that it knows: `ETable([did(study, outcome), ols_result])`.

    Parameters
    ----------
    models : mapping of str to Estimate, StudyError or a result that maketables knows
        By heading; one `Estimate` at least. Coefficients of Poisson regressions and of logs are in log points. A
        refusal (`estimate_or_refusal`) is said in the note.
    interval : bool
        95 % intervals in the place of standard errors.
    stars : bool
        Mark p below 0.1, 0.05 and 0.01.
    keep : sequence of str, optional
        Patterns of the coefficients to show, where other results have many.
    labels : mapping of str to str, optional
        What coefficients of other results are called; "inside:after" joins the row of the effect.

    Returns
    -------
    Table

    Raises
    ------
    StudyError
        Where all were refused: the first reason.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> study = load_study()
    >>> outcome = study.primary_outcome
    >>> models = {"per cent": did(study, outcome), "level": did(study, outcome, scale="level")}
    >>> table = regression_table(models)
    >>> table.frame.columns.tolist(), table.frame.index[0]
    (['(1) per cent', '(2) level'], 'inside × after')
    """
    from maketables import ETable, get_extractor

    refused = {name: one for name, one in models.items() if isinstance(one, StudyError)}
    models = answered(models)
    first = next(one for one in models.values() if isinstance(one, Estimate))
    study, language = first.study, first.study.language
    cells = {
        name: _cells(get_extractor(one).coef_table(one), interval, stars, language) for name, one in models.items()
    }
    laid = ETable(
        [*models.values()],
        coef_fmt="shown:s\n(below:s)",
        custom_stats={part: [[*one[part]] for one in cells.values()] for part in ("shown", "below")},
        custom_model_stats=_rests_on(models, study),
        stats_order="c",
        show_fe=False,
        keep=keep if keep is None or isinstance(keep, str) else [*keep],
        labels={TREATED: study.say("inside × after")} | dict(labels or {}),
        notes="-",
        head_order="",
    )
    heads = [f"({number}) {name}" for number, name in enumerate(models, start=1)]
    frame = pd.DataFrame(_lines(laid.df), columns=["", *heads]).set_index("").rename_axis(None)
    title = "{label}: regressions side by side ({data})"
    table = captioned(frame, study, title, label=study.label_of(first.outcome))
    note = _note(first, interval, stars)
    if not all(isinstance(one, Estimate) for one in models.values()):
        note.insert(1, say(language, "Other results have the errors they were fitted with."))
    note += [say(language, "{name}: {value}", name=name, value=error) for name, error in refused.items()]
    return replace(table, note=joined(language, note), centred=True, most_rows=len(frame))


def _cells(coefficients: pd.DataFrame, interval: bool, stars: bool, language: str) -> dict[str, list[str]]:
    """Each coefficient as text, and what stands below it: its error or its interval."""
    shown, below = [], []
    for row in coefficients.to_dict("records"):
        ends = [row.get(end, np.nan) for end in ("ci95l", "ci95u")]
        decimals = shared_decimals(row["b"], *ends)
        decimals = decimals_of(row["se"], 2) if not interval and row["se"] > 0 else decimals
        value, error, low, high = (
            amount(one) if decimals is None else fixed(one, decimals) for one in (row["b"], row["se"], *ends)
        )
        shown.append(value + "*" * (stars and sum(row["p"] < limit for limit in STARS)))
        known = np.isfinite(ends).all() if interval else np.isfinite(row["se"])
        said = say(language, "{low} to {high}", low=low, high=high) if interval else error
        below.append(said if known else "–")
    return {"shown": shown, "below": below}


def _lines(laid: pd.DataFrame) -> Iterable[list[str]]:
    """Rows of the table; what stands below a coefficient has a row of its own."""
    for label, row in zip(laid.index.get_level_values(-1), laid.astype(str).to_numpy(), strict=True):
        parts = [cell.split("\n") for cell in row]
        for line in range(max(map(len, parts))):
            yield ["" if line else label, *(one[line].strip() if line < len(one) else "" for one in parts)]


def _rests_on(models: Mapping[str, Any], study: Study) -> dict[str, list[str]]:
    """Rows below the coefficients, with what is known of each model."""
    language = study.language
    columns = [
        _of_estimate(one) if isinstance(one, Estimate) else {"rows": fixed(int(getattr(one, "nobs", 0)), 0)}
        for one in models.values()
    ]
    names = {
        "effect (%)": say(language, "effect (%)"),
        "scale": say(language, "scale"),
        "controls": say(language, "controls"),
        "weights": say(language, "weights"),
        "fixed effects": say(language, "fixed effects"),
        "rows": say(language, "rows"),
        "villages": study.say("villages"),
        "groups": say(language, "groups (treated)"),
        "mean": say(language, "mean of the outcome"),
    }
    rows = {said: [column.get(name, "") for column in columns] for name, said in names.items()}
    return {said: row for said, row in rows.items() if any(row)}


def _of_estimate(one: Estimate) -> dict[str, str]:
    study, language, sample = one.study, one.study.language, one.fitted.sample
    used = study.column(one.outcome).loc[study.column(one.outcome).notna()]
    return specification(sample, study.label_of, language) | {
        "effect (%)": _in_per_cent(one),
        "scale": say(language, SCALED[one.scale]),
        "fixed effects": say(language, "{noun}, year", noun=term(language, study.noun)),
        "rows": fixed(one.rows, 0),
        "villages": fixed(one.villages, 0),
        "groups": f"{one.groups:,} ({one.treated_groups:,})",
        "mean": amount(float(used.mean())),
    }


def _in_per_cent(one: Estimate) -> str:
    """The effect in per cent with its interval, with the digits that its sentence has."""
    test = one.headline()
    effect, *ends = map(signed, amounts(one.percent, *(one.percent_of(test[end]) for end in ("low", "high"))))
    if not np.isfinite([test["low"], test["high"], one.percent]).all():
        return effect if np.isfinite(one.percent) else ""
    return one.study.say("{effect} ({low} to {high})", effect=effect, low=ends[0], high=ends[1])


def _note(first: Estimate, interval: bool, stars: bool) -> list[str]:
    """How the numbers were made."""
    language = first.study.language
    errors = (
        "95 % intervals in brackets: {method}, clustered by group."
        if interval
        else "Standard errors in brackets: {method}, clustered by group."
    )
    said = [say(language, errors, method=term(language, HEADLINE_NAME))]
    said += [say(language, "Coefficients of Poisson regressions and of logs are in log points.")]
    said += [
        first.study.say(
            "Effects in per cent, with 95 % intervals, are of the mean that treated {nouns} would have had without "
            "treatment (in logs: of the geometric mean).",
            nouns=plural(first.study.noun),
        )
    ]
    return said + [say(language, "* p < 0.1, ** p < 0.05, *** p < 0.01.")] * stars
