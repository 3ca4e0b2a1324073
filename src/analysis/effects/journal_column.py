"""An estimate as a column of a journal's regression table: what `maketables.ETable` asks a result for."""

from typing import Any

import pandas as pd

from analysis.inference.methods import HEADLINE
from analysis.language.labels import say, term

TREATED = "inside:after"
"""How the treatment is called among coefficients, as in a formula."""


class JournalColumn:
    """Lets `maketables.ETable([did(...), other_result])` show an estimate beside results of other libraries."""

    @property
    def __maketables_coef_table__(self: Any) -> pd.DataFrame:
        test = self.headline()
        row = {"b": self.value, "se": test["std_error"], "t": test["statistic"], "p": test["p_value"]}
        return pd.DataFrame([row | {"ci95l": test["low"], "ci95u": test["high"]}], pd.Index([TREATED]))

    @property
    def __maketables_depvar__(self: Any) -> str:
        return self.study.label_of(self.outcome)

    @property
    def __maketables_fixef_string__(self: Any) -> str:
        return "+".join((term(self.study.language, self.study.noun), say(self.study.language, "year")))

    @property
    def __maketables_var_labels__(self: Any) -> dict[str, str]:
        return {TREATED: say(self.study.language, "inside × after")}

    @property
    def __maketables_vcov_info__(self: Any) -> dict[str, str]:
        return {"vcov_type": HEADLINE.upper(), "clustervar": "group"}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        return ["N", "n_clusters", "se_type"]

    def __maketables_stat__(self: Any, key: str) -> Any:
        stats = {"N": self.rows, "n_clusters": self.groups, "se_type": f"{HEADLINE.upper()}, by: group"}
        return stats.get(key)
