"""How sure an effect is, by every method: intervals with their false positives, and effects found elsewhere."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.design.power import share_of_larger_errors
from analysis.design.reassigned import reassigned_effects
from analysis.design.rejection_rates import rejection_rates
from analysis.effects.estimate import Estimate
from analysis.effects.ratio_of_totals import as_large_elsewhere, large_shares, refuse_dominated
from analysis.effects.sentence import signed
from analysis.inference.methods import HEADLINE
from analysis.inference.randomization import randomization
from analysis.language.labels import bracketed, counted, joined, one_of, say, term
from analysis.messages import Said, StudyError, amounts, fixed
from analysis.presentation.cells import SMALLEST_P_SHOWN
from analysis.presentation.headings import named
from analysis.presentation.plots import drawn_label, finish, small_print
from analysis.presentation.sizes import ENOUGH
from analysis.presentation.style import INSIDE, OTHERS, OUTSIDE
from analysis.presentation.tables import Table, captioned
from analysis.study.outcome import effect_in_words, shown, shown_unit
from analysis.study.unit_names import unit_in_words

FEW_ALIKE = 0.1
"""Share of draws with as large a village, below which false positives say little of a panel."""
DRAWS = 99
"""Of the wild bootstrap and of randomization in each replication: enough for a test of 5 %."""


def plot_methods(estimate: Estimate, *, replications: int = 0, ax: Axes | None = None) -> Axes:
    """One effect's 95 % intervals by method below one another, each with its p-value and its false positives.

    False positives are those of `rejection_rates` on the study's untreated groups, where there are enough of them.

    Parameters
    ----------
    estimate : Estimate
    replications : int
        Draws of placebo groups; none by default, since each is an estimate of its own.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> plot_methods(did(load_study(), "households")).get_xlabel()
    'Effect (%), 95 % intervals'
    """
    study, language, unit = estimate.study, estimate.study.language, estimate.unit
    tests, rates = estimate.inference(), _false_positives(estimate, replications)
    if estimate.no_interval:
        tests.loc[tests.index != "randomization", ["p_value", "low", "high"]] = np.nan
    made, ax = ax is None, ax or plt.subplots(figsize=(7.0, 3.1))[1]
    ends = shown(unit, tests[["low", "high"]].astype(float))
    value = float(shown(unit, estimate.value))
    _draw_intervals(ax, ends, value, language)
    for place, (method, p) in enumerate(tests["p_value"].items()):
        said = "–" if np.isnan(p) else fixed(p, 3) if p >= SMALLEST_P_SHOWN else f"<{SMALLEST_P_SHOWN}"
        _write(ax, place, [said, _rate(rates, str(method))])
    _write(ax, -1, [term(language, "p"), say(language, "false\npositives")])
    ax.set_yticks(range(len(tests)), [named(language, str(method)) for method in tests.index], fontsize="small")
    ax.set_ylim(len(tests) - 0.5, -1.5)  # The columns' heads stand above their first row.
    title = "{label}: one effect, its interval by method ({data})"
    title = study.say(title, label=drawn_label(study, estimate.outcome))
    effect = say(language, "Effect{unit}, 95 % intervals", unit=bracketed(language, shown_unit(unit)))
    below = [effect, *filter(None, [small_print(language, term(language, estimate.no_interval))])]
    finish(ax, language, title, "\n\n".join(below))
    if made and (figure := ax.get_figure(root=True)):
        for _ in range(3):  # Texts beside the axes settle the layout in steps; then it stays.
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return ax


def _false_positives(estimate: Estimate, replications: int) -> pd.DataFrame | None:
    """Rejection rates of every method, or None where nobody asks or too few groups are untreated."""
    if not replications:
        return None
    try:
        asked = estimate.study, estimate.outcome
        return rejection_rates(*asked, scale=estimate.scale, replications=replications, draws=DRAWS)
    except StudyError:
        return None


def _write(ax: Axes, place: int, texts: list[str]) -> None:
    """Texts in columns right of the intervals."""
    for at, text in zip((1.03, 1.17), texts, strict=True):
        ax.text(at, place, text, transform=ax.get_yaxis_transform(), va="center", fontsize="small")


def _draw_intervals(ax: Axes, ends: pd.DataFrame, value: float, language: str) -> None:
    """Intervals of all methods around one value; an end at infinity runs out of the figure."""
    finite = [*ends.to_numpy()[np.isfinite(ends)], value, 0.0]
    spare = 0.08 * (max(finite) - min(finite)) or 1.0
    low, high = min(finite) - spare, max(finite) + spare
    ax.axvline(0, color="0.4", linewidth=1)
    for place, (method, (start, end)) in enumerate(ends.iterrows()):
        colour, width, size = (INSIDE, 3, 7) if method == HEADLINE else (OTHERS, 1.5, 5)
        if not np.isnan(start):
            points: dict[str, Any] = {"marker": "o", "markersize": size, "markevery": [1]}
            points["label"] = named(language, str(method))
            ax.plot([max(start, low), value, min(end, high)], [place] * 3, color=colour, linewidth=width, **points)
    ax.set_xlim(low, high)


def _rate(rates: pd.DataFrame | None, method: str) -> str:
    """A method's share of false positives with its simulation error, in per cent."""
    if rates is None or method not in rates.index or np.isnan(rates.loc[method, "rejection_rate"]):
        return "–"
    rate, error = 100 * rates.loc[method, ["rejection_rate", "monte_carlo_error"]].astype(float)
    return f"{rate:.0f} % (±{error:.0f})"


def plot_reassigned(estimate: Estimate, effects: np.ndarray, *, ax: Axes | None = None) -> Axes:
    """Effects found with treatment given to other groups, and the effect of the treated ones marked.

    Parameters
    ----------
    estimate : Estimate
    effects : ndarray
        From `reassigned_effects`.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> plot_reassigned(did(load_study(), "households"), np.linspace(-0.1, 0.1, 9)).get_xlabel()
    'Effect (%)'
    """
    study, language, unit = estimate.study, estimate.study.language, estimate.unit
    found, value = shown(unit, effects), float(shown(unit, estimate.value))
    ax = ax or plt.subplots(figsize=(7.0, 3.0))[1]
    ax.hist(found, bins="auto", color=OUTSIDE, edgecolor="white")
    ax.axvline(value, color=INSIDE, linewidth=2)
    left = value > (np.median(found) if len(found) else value)
    ax.set_ylim(top=1.15 * ax.get_ylim()[1])
    beside: dict[str, Any] = {"xytext": (-6 if left else 6, -4), "textcoords": "offset points", "va": "top"}
    beside |= {"ha": "right" if left else "left", "color": INSIDE, "fontsize": "small"}
    ax.annotate(say(language, "the treated groups"), (value, ax.get_ylim()[1]), **beside)
    draws = study.say("{number} draws", number=fixed(len(found), 0))
    title = "{label}: effects had other groups been treated ({data}, {draws})"
    title = study.say(title, label=drawn_label(study, estimate.outcome), draws=draws)
    effect = say(language, "Effect{unit}", unit=bracketed(language, shown_unit(unit)))
    return finish(ax, language, title, effect, say(language, "Draws"))


def how_sure(estimate: Estimate) -> Said:
    """What the interval tells, and from how many groups: the answer of notebook 05.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> repr(how_sure(did(load_study(), "households"))).partition(" from ")[0]
    'Simulated data: with 5 treated groups the 95 % interval reaches'
    """
    study, ends = estimate.study, estimate.headline()[["low", "high"]].astype(float)
    told = "{data}: with {groups} the 95 % interval reaches from {low} to {high}. {verdict}"
    if estimate.no_interval:
        told = "{data}: with {groups} no interval can be believed."
    _, low, high = map(signed, amounts(*shown(estimate.unit, np.array([estimate.value, *ends]))))
    groups = counted(study.language, estimate.treated_groups, "treated group")
    high = study.say("{number} {unit}", number=high, unit=study.term(shown_unit(estimate.unit))).rstrip()
    return Said(study.say(told, groups=groups, low=low, high=high, verdict=estimate.verdict))


def centre_of_reassigned(estimate: Estimate, effects: np.ndarray, *, draws: int = 199) -> Said:
    """Around what effects of other groups lie, within strata and anywhere.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> repr(centre_of_reassigned(did(load_study(), "households"), np.array([0.1]), draws=9)).partition(",")[0]
    'Simulated data: in the strata with treatment these effects centre on 10.5 %'
    """
    study, asked = estimate.study, (estimate.study, estimate.outcome)
    drawn = effects, reassigned_effects(*asked, draws=draws, within=None)
    centres = [some.mean() for some in drawn]
    error = np.sqrt(sum(some.var() / len(some) for some in drawn))
    within, anywhere = (effect_in_words(estimate.unit, centre, study.language) for centre in centres)
    told = "{data}: in the strata with treatment these effects centre on {within}, over all strata on {anywhere}."
    said = [study.say(told, within=within, anywhere=anywhere)]
    if abs(centres[0] - centres[1]) > 2 * error:
        less = "Groups there grew less than elsewhere."
        said.append(study.say(less if centres[0] < centres[1] else "Groups there grew more than elsewhere."))
    return Said(joined(study.language, said))


def trusted(estimate: Estimate) -> Said:
    """Which interval to read, and how far the usual one is from it.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> repr(trusted(did(load_study(), "households"))).partition(".")[0]
    'Simulated data: CR2 counts 4'
    """
    study, tests = estimate.study, estimate.inference(["cr1", HEADLINE, "cr3"])
    if estimate.no_interval or np.isnan(tests["df"][:2]).any():
        reason = study.term(estimate.no_interval)
        return Said(study.say("{data}: no interval here can be believed: {reason}.", reason=reason))
    width = tests["high"] - tests["low"]
    told = study.say(
        "{data}: CR2 counts {df} degrees of freedom, CR1 and CR3 {usual}. The CR2 interval is {times} times as wide as "
        "that of CR1."
        if tests["df"].notna().all()
        else "{data}: CR2 counts {df} degrees of freedom, CR1 {usual}. The CR2 interval is {times} times as wide as "
        "that of CR1.",
        df=fixed(tests.loc[HEADLINE, "df"], 1),
        usual=fixed(tests.loc["cr1", "df"], 0),
        times=fixed(width[HEADLINE] / width["cr1"], 1) if width["cr1"] > 0 else "1.0",
    )
    return Said(joined(study.language, [told, *_unusual(estimate)]))


def _unusual(estimate: Estimate) -> Iterator[str]:
    """How this panel differs from what false positives and intervals usually are of such designs."""
    study = estimate.study
    with suppress(StudyError):
        larger = share_of_larger_errors(estimate)
        told = "Such designs usually give wider intervals: CR2 errors are larger in {share} % of panels drawn."
        if larger < 0.5:
            told = "Such designs usually give shorter intervals: CR2 errors are smaller in {share} % of panels drawn."
        yield study.say(told, share=fixed(100 * max(larger, 1 - larger), 0))
    counted = estimate.is_ratio and estimate.groups >= 2 * estimate.treated_groups + 2
    shares = large_shares(estimate.fitted, estimate.effect) if counted else ()
    for name, share in [(name, share) for side, name, share in shares if side == "treated"][:1]:
        often = as_large_elsewhere(estimate.fitted, share)
        told = (
            "{name} has {share} % of the treated total. In {often} % of draws for false positives a {noun} has as much."
        )
        percents = {"share": fixed(100 * share, 0), "often": fixed(100 * often, 0)}
        said = study.say(told, name=unit_in_words(study, name), noun=one_of(study.language, study.noun), **percents)
        yield said[:1].upper() + said[1:]
        if often < FEW_ALIKE:
            yield study.say("So these false positives say little of this panel.")


def other_assumptions(estimate: Estimate) -> Table:
    """P-values of one effect, were errors clustered by other units, or treatment given to groups anywhere.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> len(other_assumptions(did(load_study(), "households")).frame)
    6
    """
    study, language, rows = estimate.study, estimate.study.language, dict[str, float]()
    refuse_dominated("No p-value", estimate.dominance, study.noun)
    for cluster in ("group", "stratum") if len(study.units["stratum"].unique()) > 2 else ("group",):
        for method in (HEADLINE, "wild_bootstrap"):
            values = {"method": named(language, method), "cluster": term(language, cluster)}
            name = say(language, "{method}, clustered by {cluster}", **values)
            rows[name] = estimate.p_values([method], cluster).item()
    notes, test_name = dict[str, str](), named(language, "randomization")
    for within, phrase in {"stratum": "{test}, within strata", None: "{test}, anywhere"}.items():
        said = say(language, phrase, test=test_name)
        try:
            test = randomization(estimate.fitted, estimate.effect, within=within, level=1.0)
            rows[said] = test.p_value
        except StudyError as reason:
            rows[said], notes[said] = np.nan, str(reason)
    frame = pd.DataFrame({"p_value": rows}).assign(**({"note": pd.Series(notes)} if notes else {}))
    caption = "{label}: the same effect under other assumptions ({data})"
    table = captioned(frame, study, caption, label=study.label_of(estimate.outcome))
    treated = study.units.query("first_treated.notna()")["stratum"].nunique()
    if treated >= ENOUGH or study.units["stratum"].nunique() <= 2:
        return table
    told = "Only {strata} are treated: read the p-values by stratum with care."
    return replace(table, note=study.say(told, strata=counted(language, treated, "stratum")))
