"""Few-district difference-in-differences for village panels.

Describe the design once (`load_study`, `Study`), then ask: `did`, `event_study`. Results are sentences with
`.frame()` for a table and `.regression` for the statsmodels fit. All else is in the rooms that README.md names.
"""

import warnings
from importlib import import_module

from analysis.effects.comparison import compare
from analysis.effects.randomization import randomization
from analysis.effects.verbs import did, event_study
from analysis.inference.honest_bounds.bounds import honest_bounds
from analysis.messages import StudyError
from analysis.reading.read_files import read_table
from analysis.reading.study_file import load_study
from analysis.study.outcome import Outcome
from analysis.study.study import Study

__version__ = "0.2.0"

# What shows, repeats or checks is imported when first used, so that estimation stays light.
LATER = {
    "check_study": "report.check",
    "rejection_rates": "design.rejection_rates",
    "examine": "robustness.examination",
    "by_district": "robustness.districts",
    "neighbours": "robustness.spillover",
    "synthetic_did": "robustness.synthetic",
    "reweight": "robustness.reweighting",
    "specification_curve": "robustness.specifications",
    "bacon_weights": "robustness.other_estimators",
    "scale_evidence": "robustness.scale_evidence",
    "minimum_detectable_effect": "design.power",
    "power_curve": "design.power",
    "Table": "presentation.tables",
    "regression_table": "presentation.regression_table",
    "four_means": "presentation.descriptive",
    "balance": "presentation.descriptive",
    "plot_trends": "presentation.plots",
    "plot_event_study": "presentation.event_studies",
    "plot_forest": "presentation.forest",
    "use_style": "presentation.style",
}
# Names that were public in version 0.1, by the room that has them: until version 0.3 they come from here too.
FORMER = {
    "effects.cohorts": ("with_starts",),
    "effects.estimate": ("Estimate",),
    "effects.event_study": ("EventStudy",),
    "messages": ("FewTreatedGroupsWarning",),
    "presentation.curves": ("plot_power", "plot_specifications"),
    "presentation.descriptive": ("panel_coverage",),
    "presentation.design_pictures": ("plot_coverage",),
    "presentation.sizes": ("plot_rejection_rates",),
    "presentation.tables": ("effects_table", "estimates_table", "event_study_table", "inference_table"),
    "reading.prices": ("other_prices",),
    "robustness.across_outcomes": ("across_outcomes",),
    "robustness.bunching": ("bunching",),
    "robustness.dominance": ("dominance",),
    "robustness.estimands": ("estimands",),
    "robustness.exposure": ("exposure_by_year",),
    "robustness.leave_one_out": ("leave_one_out",),
    "robustness.other_estimators": ("not_yet_treated",),
    "robustness.other_starts": ("other_starts",),
    "robustness.partitions": ("partition_sensitivity",),
    "robustness.placebo_starts": ("placebo_starts",),
    "simulation.simulate": ("simulate_panel", "simulated_gains", "write_simulated"),
    "study.placebo_groups": ("placebo_groups",),
}
MOVED = {name: room for room, names in FORMER.items() for name in names}

__all__ = [
    # What do I study?
    "Study",
    "Outcome",
    "StudyError",
    "load_study",
    "check_study",
    "read_table",
    # What changed?
    "did",
    "event_study",
    "compare",
    # How sure?
    "randomization",
    "honest_bounds",
    "rejection_rates",
    # What would change it?
    "examine",
    "by_district",
    "neighbours",
    "synthetic_did",
    "reweight",
    "specification_curve",
    "bacon_weights",
    "scale_evidence",
    # What could it have shown?
    "minimum_detectable_effect",
    "power_curve",
    # How do I show it?
    "Table",
    "regression_table",
    "four_means",
    "balance",
    "plot_trends",
    "plot_event_study",
    "plot_forest",
    "use_style",
]


def __getattr__(name: str) -> object:
    room = LATER.get(name) or MOVED.get(name)
    if not room:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    if name in MOVED:
        said = f"analysis.{name} goes in version 0.3. Write: from analysis.{room} import {name}"
        warnings.warn(said, FutureWarning, stacklevel=2)
    return getattr(import_module(f"analysis.{room}"), name)
