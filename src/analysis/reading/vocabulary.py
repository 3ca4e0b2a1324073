"""What columns are called in offices and data sets, in Chinese and English: which role a name suggests."""

import re
from collections.abc import Iterable

ROLES = {
    "code": r"(?:行政)?村(?:统计|区划)?(?:代|编)码|(?:行政区划|区划|统计)代码|(?:village[_ ]?|unit[_ ]?)?(?:code|id)",
    "name": r"(?:行政)?村(?:庄|委会)?(?:名称?)?|行政村|village(?:[_ ]?name)?|unit|name",
    "time": r"年份|年度|(?:会计|统计)年度|年|year|time",
    "stratum": r"(?:所属|所在)?(?:乡镇?|镇|街道|乡镇[(（]?街道[)）]?|镇街|镇办)(?:名称?)?|town(?:ship)?|stratum",
    "group": r"(?:所属|所在)?片区(?:名称?)?|片|联合党委|共富片区|district|group",
    "first_treated": r"(?:加入|启动|开始|成立|实施|入选|首次\w*)(?:片区)?(?:年份?|时间|年度)|first_treated|start",
    "treated": r"是否\w*(?:片区|示范|试点)\w*|处理组|treated",
    "indicator": r"指标(?:名称?)?|项目|indicator|variable",
    "value": r"(?:指标)?数值|值|value",
}
MONEY_LIKE = r"(?i)收入|收益|利润|支出|产值|资产|金额|存款|贷款|补贴|工资|income|revenue|surplus|profit|spending|assets"
"""Names of amounts of money."""


def role_of(name: str) -> str:
    """The role that a column's name suggests, or nothing.

    Examples
    --------
    >>> role_of("村代码"), role_of("行政村"), role_of("所属乡镇"), role_of("收入")
    ('code', 'name', 'stratum', '')
    """
    return next((role for role, names in ROLES.items() if re.fullmatch(f"(?i){names}", name.strip())), "")


def first_with(role: str, names: Iterable[str]) -> str:
    """The first name of a role, or nothing."""
    return next((name for name in names if role_of(name) == role), "")
