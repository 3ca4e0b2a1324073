"""One page for readers who will not open a notebook: question, answer, one figure, what it rests on and cannot show."""

from dataclasses import replace
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from analysis.language.labels import LANGUAGES
from analysis.presentation.plots import plot_event_study, plot_trends
from analysis.presentation.style import use_style
from analysis.report.findings import Findings, find
from analysis.report.sentences import Sentences
from analysis.study.study import Study

FIGURE_SIZE = (7.0, 3.2)
DOTS_PER_INCH = 200


def write_summary(study: Study, folder: Path) -> str:
    """Summarise a study in both languages, its own first.

    Use it for the top of a report's title page.

    Parameters
    ----------
    study : Study
    folder : pathlib.Path
        Where one figure per language is written: ``summary-en.png`` and ``summary-zh.png``. The text shows them by
        name, so it belongs on a page beside them.

    Returns
    -------
    str
        Markdown with a section per language. Text of the study is escaped: it shows as it is written.

    Examples
    --------
    >>> import tempfile
    >>> from analysis import load_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_summary(load_study(), Path(folder)).split("**")[1])
    All data on this page are simulated: a computer model made them, nothing was observed.
    """
    findings = find(study)
    languages = sorted(LANGUAGES, key=lambda language: language != study.language)
    return "\n\n".join(_page(Sentences(findings, language), folder) for language in languages) + "\n"


def draw(findings: Findings, language: str, path: Path) -> None:
    """Draw the effect by year, or else the means by year, with labels in a language; the same bytes every time."""
    study = replace(findings.study, language=language)
    with rc_context():
        use_style()
        figure = Figure(figsize=FIGURE_SIZE)
        if findings.events:
            plot_event_study(replace(findings.events, study=study), ax=figure.subplots())
        else:
            plot_trends(study, findings.outcome.name, log=findings.outcome.scale == "log", ax=figure.subplots())
        figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})


def _page(sentences: Sentences, folder: Path) -> str:
    """The summary in one language."""
    say = sentences.say
    parts = [say("## Summary"), sentences.source()]
    parts += [say(" ").join(sentences.question()), say(" ").join(sentences.answer())]
    if sentences.findings.estimate is None:
        return "\n\n".join(parts)
    name = f"summary-{sentences.language}.png"
    draw(sentences.findings, sentences.language, folder / name)
    title, how_to_read = sentences.figure()
    parts += [f"![{title}]({name})", how_to_read]
    parts += [say("**What it rests on**"), "\n".join(f"- {line}" for line in sentences.rests_on())]
    parts += [say("**What it cannot show**"), "\n".join(f"- {line}" for line in sentences.cannot_show())]
    return "\n\n".join(parts)
