"""Whose effect is it? The same answer without each district, for each outcome, by weight and by how it is averaged."""

from analysis.effects.cohorts import AGGREGATES
from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did, event_study
from analysis.language.labels import counted, joined, one_of, say
from analysis.messages import fixed
from analysis.presentation.forest import plot_forest
from analysis.presentation.tables import captioned, effects_table
from analysis.robustness.across_outcomes import across_outcomes
from analysis.robustness.check import Finding, in_short, with_interval
from analysis.robustness.estimands import estimands
from analysis.robustness.leave_one_out import left_out_in_turn
from analysis.study.outcome import effect_in_words
from analysis.study.study import Study

SIGNIFICANT = 0.05
COLUMNS = ["estimate", "low", "high", "p_value"]


def without_each_district(study: Study, outcome: str) -> Finding:
    """The effect without each district in turn, as a sentence and a table; `plot_forest` draws it.

    Raises
    ------
    StudyError
        As `leave_one_out`.

    Examples
    --------
    >>> from analysis import load_study
    >>> len(without_each_district(load_study(), "rural_income_per_head_cny").estimates)
    6
    """
    language, (left, most) = study.language, left_out_in_turn(study, outcome)
    whole, rest = left["none"], {name: one for name, one in left.items() if name != "none"}
    low, high = (by(rest, key=lambda name: rest[name].value) for by in (min, max))
    size = {name: effect_in_words(whole.unit, rest[name].value, language) for name in (low, high)}
    said = say(
        language,
        "Without one group in turn the effect is {low} (without {least}) to {high} (without {greatest}). With all "
        "of them it is {given}.",
        **{"low": size[low], "least": low, "high": size[high], "greatest": high, "given": in_short(whole)},
    )
    if most:
        phrase = "Of {number} treated groups those {left} are left out that move the effect most."
        said = joined(language, [said, say(language, phrase, number=fixed(whole.treated_groups, 0), left=len(rest))])
    named = {say(language, "without {name}", name=name): one for name, one in rest.items()}
    return _side_by_side({say(language, "all groups"): whole} | named, said, "the effect without each group")


def every_outcome(study: Study) -> Finding:
    """The effect on every outcome of the study, p-values adjusted for how many were tested (Holm).

    Raises
    ------
    StudyError
        As `across_outcomes`.

    Examples
    --------
    >>> from analysis import load_study
    >>> every_outcome(load_study()).tables[0].frame.index[0]
    'Village collective income'
    """
    language, frame = study.language, across_outcomes(study).rename(index=study.label_of)
    tested = frame["p_holm"].dropna()
    differ = tested.index[tested < SIGNIFICANT]
    said = say(
        language,
        "{tested} of {outcomes} can be tested. At the 5 % level {number} can be distinguished from zero, counting all "
        "tested (Holm)."
        if len(tested)
        else "None of {outcomes} can be tested.",
        tested=len(tested),
        number=len(differ),
        outcomes=counted(language, len(frame), "outcome"),
    )
    if len(differ):
        found = frame.loc[differ, ["unit", "estimate", "low", "high"]].itertuples()
        named = [
            say(language, "{name}: {value}", name=name, value=with_interval(language, *one)) for name, *one in found
        ]
        told = "{effects}. An effect, another difference between both sides, or chance."
        said = joined(language, [said, say(language, told, effects=say(language, "; ").join(named))])
    shown = ["estimate", "unit", "low", "high", "p_value", "p_holm"] + ["note"] * bool(frame["note"].any())
    return Finding(study, said, results=(effects_table(frame[shown], study, "Effects on all outcomes"),))


def per_village_and_in_total(study: Study, outcome: str) -> Finding:
    """One effect in money or counts: per village, weighted by households, in total and per household.

    Raises
    ------
    StudyError
        As `estimands`: without a column of households, say.

    Examples
    --------
    >>> from analysis import load_study
    >>> per_village_and_in_total(load_study(), "collective_income_cny").tables[0].frame.index[0]
    'village_mean'
    """
    language, scale = study.language, "poisson" if study.scale_of(outcome) == "poisson" else "level"
    frame = estimands(study, outcome, scale=scale)
    said = say(
        language,
        "One effect, asked in four ways. A {noun} counts once in the first row and by its households in the second; "
        "households are those before the start. The last two rows are the first in other units.",
        noun=one_of(language, study.noun),
    )
    shown = [*COLUMNS, "unit", "weight"] + ["note"] * bool(frame["note"].any())
    title = "{label}: one effect, four questions ({data})"
    return Finding(study, said, results=(captioned(frame[shown], study, title, label=study.label_of(outcome)),))


def averages(study: Study, outcome: str) -> Finding:
    """The effect by how years and start years are averaged, and by which years before it is measured against.

    Raises
    ------
    StudyError
        As `event_study` and `did`.

    Examples
    --------
    >>> from analysis import load_study
    >>> len(averages(load_study(), "rural_income_per_head_cny").estimates)
    5
    """
    language, events = study.language, event_study(study, outcome)
    observations = say(language, "observations, each alike")
    ways: dict[str, Estimate] = {observations: events.average()}
    ways |= {say(language, name): events.aggregate(by).overall for by, name in AGGREGATES.items()}
    against = say(language, "observations, against all years before")
    unit = events.average().unit
    low, high = (effect_in_words(unit, by(one.value for one in ways.values()), language) for by in (min, max))
    said = [
        say(
            language,
            "Against {baseline} the average effect is {low} to {high}, depending on the weights.",
            baseline=say(language, "the year at event time {number}", number=fixed(events.reference, 0)),
            **{"low": low, "high": high},
        )
    ]
    ways[against] = did(study, outcome)
    given = in_short(ways[against])
    told = "Against all years before it is {given}. One odd year moves it less, a trend that goes on moves it more."
    said.append(say(language, told, given=given))
    return _side_by_side(ways, joined(language, said), "average effect, by what is averaged")


def _side_by_side(estimates: dict[str, Estimate], said: str, title: str) -> Finding:
    """Estimates of one outcome as a sentence, a table and a forest plot."""
    first, frame = next(iter(estimates.values())), compare(estimates, about=["treated_groups"])
    shown = [*COLUMNS, "treated_groups"] + ["note"] * bool(frame["note"].any())
    table = effects_table(frame[shown], first.study, title, first.outcome, first.scale)
    return Finding(first.study, said, estimates, (table,), lambda: plot_forest(estimates, title=title))
