"""From a study to its report: every notebook run on it, the pages, and the files to take along."""

import os
import tempfile
import warnings
from functools import partial
from pathlib import Path

from analysis.language.labels import LANGUAGES
from analysis.language.texts import said
from analysis.messages import FewTreatedGroupsWarning, StudyError, count
from analysis.reading.read_files import DATA
from analysis.reading.study_file import load_study
from analysis.report.check import findings_on
from analysis.report.exports.paper import DOCUMENT, WORKBOOK, Exports, take_exports
from analysis.report.manifest import MANIFEST, input_files, write_manifest
from analysis.report.notebooks import TITLE, NotebookError, notebook_paths, pages_on, run_notebooks, unsupported_steps
from analysis.report.pages import refuse_other_folder, write_report
from analysis.report.summary import write_summary
from analysis.report.title_page import TitlePage, literal
from analysis.study.group_notes import in_own_words
from analysis.study.study import Study

ROOT = DATA.parent
OWN_STUDY = DATA / "study.toml"


def build_report(
    study: str | Path | None = None,
    output: str | Path | None = None,
    language: str | None = None,
    *,
    notebooks: Path = ROOT / "notebooks",
) -> list[str]:
    """
    Run every notebook on a study and write the report; the notebooks and the study's folder are not touched.

    What another study than the project's own cannot support is said in its place, and on the title page.

    Parameters
    ----------
    study : path, optional
        A ``study.toml``; by default as for `load_study`.
    output : path, optional
        Folder to write; an older report there is replaced, but only once the new one is complete. Default:
        ``reports/`` for the project's own study, else a folder beside the study's, with ``-report`` after its name.
    language : {"en", "zh"}, optional
        Language of labels; by default the study's.
    notebooks : pathlib.Path
        Folder of the notebooks, shown in the order of their names.

    Returns
    -------
    list of str
        Sentences: where the report is, and what it holds.

    Raises
    ------
    StudyError
        If the study cannot be read; nothing was run then.
    NotebookError
        If a notebook fails, after the other pages are written; or if a page cannot be built. Says where and why.
    FileExistsError
        If `output` holds something that is not a report, or is in the way of the study's files.
    """
    file = Path(study or os.environ.get("STUDY") or OWN_STUDY).resolve()
    with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
        loaded = load_study(file, language)
    output = Path(output or default_output(file)).resolve()
    refuse_other_folder(output)
    _refuse_input_folder(output, file)
    paths = notebook_paths(notebooks)
    shown, method = (paths, []) if file == OWN_STUDY else pages_on(paths)
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder)
        summary = _summary(loaded, beside, file)
        write_manifest(beside / MANIFEST, loaded, file, [*shown, *method])
        # Where nothing is asked, the example of notebook 10 speaks its own language, as stored.
        spoken = {"STUDY_LANGUAGE": loaded.language} if language or file != OWN_STUDY else {}
        variables = {"STUDY": str(file), **spoken}
        tolerant = file != OWN_STUDY and partial(in_own_words, loaded)
        runs = dict(run_notebooks([*shown, *method], variables, exporting=True, tolerant=tolerant))
        failures = [str(run) for run in runs.values() if isinstance(run, NotebookError)]
        pages = {path.stem: run for path, run in runs.items() if not isinstance(run, NotebookError)}
        exports, steps = take_exports(pages), unsupported_steps(pages)
        exports.write(beside, loaded.data_statement, loaded.language)
        title_page = TitlePage(
            loaded.title or "Report",
            literal(loaded.data_statement),
            reading=tuple(said(loaded.language, note) for note in loaded.reading),
            doubts=[said(loaded.language, one) for one in findings_on(loaded) if one.startswith("LOOK")],
            summary=summary,
            failures=failures,
            unsupported=steps,
            noun=loaded.term(loaded.noun),
            method=[path.stem for path in method],
            exports=exports,
            language=loaded.language,
        )
        index = write_report(pages, output, title_page, beside=beside)
    if failures:
        lacking = f"{count(len(failures), 'page')} of {len(runs)} could not be made"
        raise NotebookError("\n".join([f"{lacking}; the others are in {index}.", *failures]))
    return [f"Open {index} in a browser.", *_told(exports, sum(map(len, steps.values())))]


def default_output(file: Path) -> Path:
    """
    Where the report of a study goes unless told: never into the study's own folder.

    Examples
    --------
    >>> default_output(Path("panels", "county", "study.toml")).as_posix()
    'panels/county-report'
    """
    return ROOT / "reports" if file == OWN_STUDY else file.parent.with_name(f"{file.parent.name}-report")


def _refuse_input_folder(output: Path, file: Path) -> None:
    inside = output.is_relative_to(file.parent)
    if inside or any(one.resolve().is_relative_to(output) for one in input_files(file)):
        raise FileExistsError(
            f"The report would be written {'into' if inside else 'over'} the study's folder, {file.parent}. "
            "Name another folder with --output."
        )


def _summary(study: Study, folder: Path, file: Path) -> dict[str, str]:
    try:
        with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
            return write_summary(study, folder, [load_study(file, language) for language in LANGUAGES])
    except StudyError as error:
        return {study.language: f"**{study.term(TITLE)}.** {literal(error.said(study.language))}"}


def _told(exports: Exports, lacking: int) -> list[str]:
    """What a report holds, in sentences for the console."""
    tables, figures = count(len(exports.tables), "table"), count(len(exports.figures), "figure")
    told = [
        f"Beside it: {WORKBOOK} and {DOCUMENT} with {tables}, tables/ as LaTeX and CSV, figures/ with {figures} as "
        f"PDF, SVG and PNG, {MANIFEST}."
    ]
    if lacking:
        told += [f"{count(lacking, 'step')} left out, which this study cannot support; the title page lists them."]
    return told
