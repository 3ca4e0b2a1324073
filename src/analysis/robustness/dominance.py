"""Whether one rich village is the answer: an effect in per cent without it, and for a typical village."""

from dataclasses import replace

from analysis.effects.comparison import estimate_or_refusal
from analysis.effects.estimate import Estimate
from analysis.effects.ratio_of_totals import large_shares
from analysis.effects.verbs import did, event_study
from analysis.language.labels import joined, say
from analysis.messages import StudyError, fixed
from analysis.presentation.tables import estimates_table
from analysis.robustness.check import Check, beside, in_short, threat
from analysis.robustness.placebo_starts import effects_span, placebo_starts
from analysis.study.study import Study
from analysis.study.unit_names import unit_in_words

LEFT_OUT = {
    "treated": "without {name}, {share} % of the treated total",
    "untreated": "without {name}, {share} % of the untreated total",
}
TREND = (
    "Without {name} the gap moved by {slope} a year before the start, with it by {whole}; false starts give {false}, "
    "with it {others}."
)
WEIGHT = "1 / own mean before"


def dominance(study: Study, outcome: str) -> dict[str, Estimate | StudyError]:
    """The effect in per cent beside the same without each village that carries it, and for a typical village.

    Use it because an effect in per cent is one of totals, in which rich villages count with their money. The typical
    village's effect weights every village by one over its own mean before the first start, so that each counts alike;
    villages at zero in all years before have no such weight and are left out, counted.

    Parameters
    ----------
    study, outcome
        As in `did`; the outcome is analysed in per cent (scale="poisson").

    Returns
    -------
    dict of str to Estimate or StudyError
        "all villages", one for each village with over a quarter of a side's total, and "a typical village"; in the
        place of a part that has no answer, why.

    Raises
    ------
    StudyError
        Where the outcome is analysed on another scale, and as in `did`.

    Examples
    --------
    >>> from analysis import load_study
    >>> list(dominance(load_study(), "rural_income_per_head_cny"))
    ['all villages', 'a typical village']
    """
    if (scale := study.scale_of(outcome)) != "poisson":
        raise StudyError(
            '{outcome!r} is analysed with scale = "{scale}"; how much of the effect one village carries is told for '
            'scale = "poisson" alone. Leave out the largest villages with study.subset.',
            outcome=outcome,
            scale=scale,
        )
    estimates: dict[str, Estimate | StudyError] = {"all villages": (whole := did(study, outcome))}
    for side, name, share in large_shares(whole.fitted, whole.effect):
        said = say(study.language, LEFT_OUT[side], name=unit_in_words(study, name), share=fixed(100 * share, 0))
        estimates[said] = estimate_or_refusal(_without, study, outcome, name)
    values = study.column(outcome)
    mean = values.where(study.frame["time"] < study.starts[0]).groupby(study.frame["unit"]).transform("mean")
    weighted = replace(study, frame=study.frame.assign(**{WEIGHT: 1 / mean.where(mean > 0)}))
    return estimates | {"a typical village": estimate_or_refusal(did, weighted, outcome, weights=WEIGHT)}


def _without(study: Study, outcome: str, name: str) -> Estimate:
    return did(study.subset(study.frame["unit"] != name), outcome)


def _trend(study: Study, outcome: str) -> tuple[str, str]:
    """The slope before the start and the effects of false starts, in short."""
    slope = in_short(event_study(study, outcome).pretrend().slope)
    return slope, effects_span(placebo_starts(study, outcome)["estimate"], did(study, outcome))


def _trend_without(study: Study, outcome: str, name: str) -> str:
    """What one village makes of the trend before, or nothing where there is none to see."""
    try:
        (slope, false), (whole, others) = (
            _trend(one, outcome) for one in (study.subset(study.frame["unit"] != name), study)
        )
    except StudyError:
        return ""
    return study.say(TREND, name=unit_in_words(study, name), slope=slope, whole=whole, false=false, others=others)


@threat(
    "One village carries the result",
    "Left out each village with over a quarter of a side's total; then let every village count alike.",
)
def rich_village(study: Study, outcome: str) -> Check:
    """Whether one village's money is the answer, and whether it alone makes the trend before."""
    found, given = dominance(study, outcome), did(study, outcome)
    others = {name: one for name, one in found.items() if name != "all villages"}
    trends = [_trend_without(study, outcome, name) for _, name, _ in large_shares(given.fitted, given.effect)]
    said = joined(study.language, filter(None, [beside(given, others), *trends]))
    return Check(study, said, others, (estimates_table(found),))
