"""Which scale untreated villages support: whether the rich gain on the poor in money or in per cent."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.language.labels import joined, say, term
from analysis.language.texts import Text, count, plural, said, singular
from analysis.messages import Sentence, StudyError, amounts, fixed, in_sentence
from analysis.study.study import Study

YEARS_TO_SORT = 2
FEWEST = 3
WHOLE = "it reaches the whole mean"
SCALES_COMPARED = {"level": "in levels", "poisson": "in per cent"}
HALVES = {
    "en": {"untreated": "poorer", "treated": "richer", "groups": "{nouns}", "group": "{noun}"},
    "zh": {"未处理": "较穷的", "处理": "较富的", "组": "{noun}"},
}
REMEDY = {"en": " What can be answered", "zh": "可以回答的是"}


@dataclass(frozen=True)
class ScaleEvidence(Sentence):
    """How untreated rich villages fared beside untreated poor ones, in both scales; its repr is a sentence.

    Attributes
    ----------
    estimates : dict of str to Estimate
        By scale, "level" and "poisson": the gain of the rich on the poor.
    rich, poor : int
        Villages of each kind.
    """

    study: Study
    outcome: str
    estimates: dict[str, Estimate]
    rich: int
    poor: int

    def frame(self) -> pd.DataFrame:
        """One row per scale: the gain of the rich in per cent of what they would have had, interval and p-value."""
        rows = {SCALES_COMPARED[scale]: one.frame().iloc[0] for scale, one in self.estimates.items()}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("scale")
        columns = {"percent": "estimate", "percent_low": "low", "percent_high": "high", "p_value": "p_value"}
        return table[list(columns)].rename(columns=columns).astype(float)

    @property
    def supported(self) -> str:
        """The scale in which the rich gained less on the poor, "level" or "poisson"; "" without both intervals."""
        known = np.isfinite(self.frame()).all(axis=None)
        return min(self.estimates, key=lambda scale: abs(self.estimates[scale].percent)) if known else ""

    def _gain(self, scale: str) -> str:
        """The gain in one scale with its interval, or why it has none."""
        language, estimate, compared = self.study.language, self.estimates[scale], SCALES_COMPARED[scale]
        gain, named = self.frame().loc[compared, ["estimate", "low", "high"]], {"scale": term(language, compared)}
        if np.isfinite(gain).all():
            one, low, high = amounts(*gain)
            return say(language, "{gain} % ({low} to {high} %) {scale}", gain=one, low=low, high=high, **named)
        reason = OfHalves(estimate.no_interval or WHOLE, self.study.noun)
        if not np.isfinite(gain["estimate"]):
            return say(language, "no share (no interval: {reason}) {scale}", reason=reason, **named)
        size = fixed(gain["estimate"], 1)
        return say(language, "{gain} % (no interval: {reason}) {scale}", gain=size, reason=reason, **named)

    def _verdict(self) -> str:
        """Which gap is nearer zero, which intervals contain zero, and what that means for the study's own scale."""
        study, supported = self.study, self.supported
        if not supported:
            return study.say("Without both intervals these {nouns} favour neither scale.", nouns=plural(study.noun))
        frame, near = self.frame(), SCALES_COMPARED[supported]
        own = SCALES_COMPARED["level" if study.scale_of(self.outcome) == "level" else "poisson"]
        zero = frame.index[(frame["low"] <= 0) & (frame["high"] >= 0)]
        said = [
            study.say("The gap {near} is nearer zero, which favours effects {near}.", near=study.term(near)),
            study.say(
                "Only the interval {only} contains zero."
                if len(zero) == 1
                else "Both intervals contain zero, so neither scale is ruled out."
                if len(zero)
                else "Neither interval contains zero, so neither scale fits well.",
                only=study.term(next(iter(zero), "")),
            ),
        ]
        kept = study.say("The study keeps effects {own}, the scale fixed beforehand.", own=study.term(own))
        return joined(study.language, said + [kept] * (own != near))

    def __repr__(self) -> str:
        study, language = self.study, self.study.language
        return study.say(
            "{data}: no treatment reached the untreated {nouns}, so on the right scale the richer keep pace with the "
            "poorer. From {start} on, the gain of the {rich} richer on the {poor} poorer in {label} is {gains} "
            "(95 % intervals{specified}). {verdict}",
            rich=self.rich,
            poor=self.poor,
            nouns=plural(study.noun),
            start=study.starts[0],
            label=in_sentence(study.label_of(self.outcome)),
            gains=say(language, " and ").join(map(self._gain, self.estimates)),
            specified=self.estimates["poisson"].specified,
            verdict=self._verdict(),
        )


class OfHalves(Text):
    """What is said of treated and untreated groups, said of the richer and the poorer villages; without its remedy."""

    def __new__(cls, reason: str, noun: str) -> "OfHalves":
        """Keep the reason and what units are called."""
        text = str.__new__(cls, _of_halves("en", reason, noun))
        text.made_of = reason, (noun,), {}
        return text

    def said(self, language: str) -> str:
        """The reason in a language."""
        return _of_halves(language, self.made_of[0], *self.made_of[1])


def _of_halves(language: str, reason: str, noun: str) -> str:
    text = term(language, reason).split(REMEDY[language])[0].rstrip(".。")
    words = {"noun": said(language, singular(noun)), "nouns": said(language, plural(noun))}
    for old, new in HALVES[language].items():
        text = text.replace(old, new.format(**words))
    return text


def scale_evidence(study: Study, outcome: str) -> ScaleEvidence:
    """Compare rich with poor among the untreated, in levels and in per cent, to see which scale has parallel trends.

    Use it before believing an effect in either scale. Untreated villages are sorted by their mean in the first two
    years, which are then left out; the richer half is compared with the poorer, from the first start on against the
    years between. Growth in per cent shows as a gain in levels, the same growth in money as a loss in per cent. Both
    are said in per cent of what the rich would have had; chance that made a village rich for two years leaves a small
    loss in both. Errors are clustered by village, since that is what was sorted.

    Parameters
    ----------
    study, outcome
        As in `did`; values must not be negative.

    Returns
    -------
    ScaleEvidence

    Raises
    ------
    StudyError
        Fewer than three years before the first start or three villages a side, no interval in either scale,
        outcomes in logs or below zero, and as in `did`.

    Examples
    --------
    >>> from analysis import load_study
    >>> scale_evidence(load_study(), "collective_income_cny").supported
    'poisson'
    """
    values, frame = study.column(outcome), study.frame
    untreated = frame["first_treated"].isna() & values.notna()
    years = sorted(frame.loc[untreated, "time"].unique())
    before = [year for year in years if year < study.starts[0]]
    if len(before) <= YEARS_TO_SORT or before[-1] == years[-1]:
        raise StudyError(
            "Which scale untreated {units} support shows from {needed} years before the first start ({start}) and one "
            "from it on; {outcome!r} is known in {before} before and {after} from it on.",
            units=plural(study.noun),
            needed=YEARS_TO_SORT + 1,
            start=study.starts[0],
            outcome=outcome,
            before=count(len(before), "year"),
            after=len(years) - len(before),
        )
    first = untreated & (frame["time"] <= before[YEARS_TO_SORT - 1])
    usual = values[first].groupby(frame["unit"][first]).mean()
    richer, later = usual.index[usual > usual.median()], untreated & ~first & frame["unit"].isin(usual.index)
    after = (frame["time"] >= study.starts[0])[later].groupby(frame["unit"][later]).mean()
    compared = after.index[after.between(0, 1, inclusive="neither")]
    later_too = Text(", and in later ones before and from {start} on,", start=study.starts[0])
    for units, known in ((usual.index, ""), (compared, later_too)):
        if min(rich := units.isin(richer).sum(), len(units) - rich) < FEWEST:
            raise StudyError(
                "Which scale untreated {units} support shows from {fewest} richer and {fewest} poorer ones; in the "
                "first {years} years of {outcome!r}{known} there are {rich} and {poor}.",
                units=plural(study.noun),
                fewest=FEWEST,
                years=YEARS_TO_SORT,
                outcome=outcome,
                known=known,
                rich=rich,
                poor=len(units) - rich,
            )
    start = pd.Series(np.where(frame["unit"].isin(richer), study.starts[0], np.nan), frame.index).astype("Int64")
    by_village = frame.assign(first_treated=start, group=frame["unit"], stratum="all")
    not_shown = "Untreated {units} do not show which scale they support: {reason}."
    halves = replace(study, frame=by_village, placebo_group_count=0).subset(later)
    try:
        estimates = {scale: did(halves, outcome, scale=scale) for scale in SCALES_COMPARED}
    except StudyError as error:
        reason = OfHalves(error.args[0], study.noun)
        raise StudyError(not_shown, units=plural(study.noun), reason=reason) from None
    reasons = [one.no_interval for one in estimates.values()]
    if all(reasons):
        raise StudyError(not_shown, units=plural(study.noun), reason=OfHalves(reasons[0], study.noun))
    units = estimates["level"].fitted.sample.units()
    sizes = units["villages"].groupby(units["first_treated"].isna()).sum()
    return ScaleEvidence(study, outcome, estimates, int(sizes[False]), int(sizes[True]))
