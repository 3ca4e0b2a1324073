"""The Chinese of every phrase that tables, figures and the summary show, by its English."""

CHINESE = {
    # Joints between phrases
    " ": "",
    ", ": "、",
    " ({terms})": "（{terms}）",
    ".": "。",
    "{number} %": "{number}%",
    "{number} {unit}": "{number}{unit}",
    "percentage points": "个百分点",
    "log points": "对数点",
    "in logs": "取对数",
    "nominal": "当年价格",
    "constant {}": "{}年不变价格",
    # The title page
    "The data of this report": "本报告所用数据",
    "Look at this first": "请先核对以下疑点",
    "Pages that could not be made": "未能生成的页面",
    "How its files were read": "数据文件的读取情况",
    "The questions, one page each": "各章问题",
    "Every number in them was computed when the report was made.": "各页中的每个数字都在生成报告时重新计算。",
    "Files to take along": "可下载的文件",
    "{tables} tables in one workbook, with numbers in full; on its page, each table also leads to LaTeX": (
        "{tables}张表格合为一个工作簿，数字完整；各页表格下另附LaTeX文件"
    ),
    "{figures} figures for print, as PDF and as PNG of 300 dots per inch": (
        "{figures}幅可供印刷的图（PDF及每英寸300点的PNG）"
    ),
    "the versions, files (by their SHA-256) and seeds behind this report": (
        "本报告所用的软件版本、数据文件（SHA-256）和随机数种子"
    ),
    # Where the data come from
    "your data": "您的数据",
    "simulated data": "模拟数据",
    "published data": "公开数据",
    "invented data": "虚构数据",
    # Axes, legends and titles
    "Year": "年份",
    "Years since the start of treatment": "距开始的年数（0＝开始当年）",
    "fewer treated groups": "处理组较少",
    "groups": "处理组数",
    "inside the districts": "片区内",
    "outside the districts": "片区外",
    "{label}, means by year ({data}; dashed: start {starts})": "{label}：历年均值（{data}；虚线：{starts}年开始）",
    "{label}: effect by event time ({data})": "{label}：各年份的效应（{data}）",
    "Effect{unit}, {level:.0%} intervals": "效应{unit}，{level:.0%}置信区间",
    "Effect{unit}, no intervals: too few groups behind each": "效应{unit}\n（无置信区间：组太少）",
    "Villages with the outcome (%)": "有该指标数据的村（%）",
    "{label}: coverage ({data})": "{label}：数据覆盖率（{data}）",
    "{groups} treated{wider} ({data})": "{groups}个处理组{wider}（{data}）",
    ", SD × {scale:g}": "，标准差×{scale:g}",
    "Correlation within groups": "组内相关系数",
    "Rejects a true null": "误拒真实原假设的比例",
    "{title} ({data})": "{title}（{data}）",
    "{label}{unit}: {title} ({data})": "{label}{unit}：{title}（{data}）",
    "{label}: {number} specifications{lost} ({data})": "{label}：{number}种模型设定{lost}（{data}）",
    ", {number} without an estimate": "，其中{number}种无法估计",
    ", {number} without a share": "，其中{number}种无法表示为百分比",
    "Specifications, by size of effect (large: the study's own)": "各种设定，按效应大小排列（大点为研究自身的设定）",
    " (times year: {number})": "（与年份交互：{number}）",
    "{} coefficient": "个系数",
    "Effect (% of counterfactual)": "效应（占反事实均值的%）",
    "Effect{unit}": "效应{unit}",
    "{label}: power by size of the effect ({data}; dashed: {power:.0%})": (
        "{label}：各种效应大小下的检验功效（{data}；虚线：{power:.0%}）"
    ),
    "True effect{unit}": "真实效应{unit}",
    "Found at 5 % two-sided": "5%双侧检验的检出率",
    # Choices of a specification
    "scale": "尺度",
    "level": "水平值",
    "log": "对数",
    "sample": "样本",
    "comparison": "对照",
    "weights": "权重",
    "controls": "控制变量",
    "none": "无",
    "all years": "全部年份",
    "without {}-2022": "不含{}—2022年",
    "without the year before": "不含开始前一年",
    "other strata": "其他分层",
    "same strata": "相同分层",
    "households before": "开始前户数",
    "all untreated villages": "片区外全部村",
    # Captions
    "{label}, means of {rows:,} village-years; after = from {start} ({data})": (
        "{label}：{rows:,}条村—年记录的均值；“之后”自{start}年起（{data}）"
    ),
    "{label}: level": "{label}：水平",
    "inside / outside": "片区内/片区外",
    "{label}: change per year, % of its mean": "{label}：年均变化（占本村均值的%）",
    "{label}, means of {rows:,} village-years; after = from {start}; changes in per cent ({data})": (
        "{label}：{rows:,}条记录的均值；实施后＝{start}年起；变化以%计（{data}）"
    ),
    "{label}: change per year": "{label}：年均变化",
    "Villages before {start}, means over villages ({data})": "{start}年之前的各村，按村平均（{data}）",
    "Villages in the panel by year; outcome: {label} ({data})": "各年样本中的村数；指标：{label}（{data}）",
    "{label}{unit}: effect by event time, against {baseline}; 95 % interval from {method} clustered by "
    "{groups} groups ({data})": (
        "{label}{unit}：各年份的效应，以{baseline}为基准；95%置信区间，{method}，按{groups}个组聚类（{data}）"
    ),
    "Estimates with {method}, clustered by group, 95 % intervals{common} ({data})": (
        "估计结果：{method}，按组聚类，95%置信区间{common}（{data}）"
    ),
    "; {name}: {value}": "；{name}：{value}",
    "{name}: {value}.": "{name}：{value}。",
    "{caution}{label}: effect {value}{unit} against {baseline}, 95 % intervals by method, clusters: {cluster} "
    "({data})": (
        "{caution}{label}：效应{value}{unit}，以{baseline}为基准；各方法的95%置信区间，聚类层级：{cluster}（{data}）"
    ),
    "Caution, {warning}. ": "注意：{warning}。",
    "one treated group: not informative": "只有一个处理组，无法据此推断",
    "{} cluster alone behind a part of the effect, own noise not counted": (
        "{}个组独自决定效应的一部分，其自身波动未计入"
    ),
    "{} clusters alone behind a part of the effect, own noise not counted": (
        "{}个组各自独自决定效应的一部分，其自身波动未计入"
    ),
    "CR2 errors with Satterthwaite degrees of freedom": "CR2聚类稳健标准误及Satterthwaite自由度",
    "all years before": "开始前各年",
    "the year at event time {}": "相对年份{}",
    # Headings, row names and cells of tables
    "inside": "片区内",
    "outside": "片区外",
    "difference": "差异",
    "normalised difference": "标准化差异",
    "before": "之前",
    "after": "之后",
    "change": "变化",
    "village": "村",
    "villages": "村数",
    "year": "年份",
    "absent": "缺该年",
    "outcome missing": "指标缺失",
    "outcome zero": "指标为零",
    "event_time": "相对年份",
    "first_treated": "开始年份",
    "outcome": "指标",
    "estimate": "估计值",
    "std_error": "标准误",
    "statistic": "统计量",
    "df": "自由度",
    "p_value": "p值",
    "low": "区间下限",
    "high": "区间上限",
    "per_cent": "百分比",
    "unit": "单位",
    "baseline": "基准",
    "rows": "观测数",
    "method": "方法",
    "cr1": "CR1",
    "cr2": "CR2",
    "cr3": "CR3",
    "wild_bootstrap": "野聚类自助法",
    "randomization": "随机化推断",
    "group": "组",
    "stratum": "层",
    "in levels": "水平值",
    "all villages": "全部村",
    "the same villages": "相同的村",
    "reweighted": "加权后",
    "without farmland projects": "不含农田建设项目村",
    "without relief funds": "不含帮扶资金村",
    "without subdistricts": "不含街道",
    "without the top twentieth": "不含最高的二十分之一",
    "against the reference year": "以参照年为基准",
    "against all years before": "以开始前各年为基准",
    # What is counted, with its measure word
    "{} village": "个村",
    "{} county": "个县",
    "{} state": "个州",
    "{} town": "个乡镇",
    "{} household": "户",
    "{} district": "个片区",
    "{} group": "个组",
    "{} year": "年",
    # The summary: headings and sources
    "## Summary": "## 摘要",
    "**Question.**": "**问题**：",
    "**Answer.**": "**结论**：",
    "**What it rests on**": "**结论的依据**",
    "**What it cannot show**": "**不能说明什么**",
    "The data were supplied for this study.": "数据由本研究自行提供。",
    "The data are published ones.": "数据来自公开资料。",
    "**All data on this page are simulated: a computer model made them, nothing was observed.**": (
        "**本页全部数据均为模拟数据：由计算机模型生成，并非实际观测。**"
    ),
    "**All data on this page are invented as an example: they say nothing about any real place.**": (
        "**本页全部数据均为虚构数据：仅作示例，不反映任何真实地方的情况。**"
    ),
    # The summary: question and answer
    "{treated} in {groups} (start: {starts}) are compared with {others} outside, {first}–{last}.": (
        "将自{starts}年起纳入{groups}的{treated}与片区外的{others}进行比较，数据年份为{first}–{last}年。"
    ),
    "{treated} in {groups} (start: {starts}) are compared with {others} that never began, {first}–{last}.": (
        "将自{starts}年起实施的{treated}（分属{groups}）与未实施的{others}进行比较，数据年份为{first}–{last}年。"
    ),
    "{treated} with the measure (start: {starts}) are compared with {others} without it, {first}–{last}.": (
        "将自{starts}年起实施的{treated}与未实施的{others}进行比较，数据年份为{first}–{last}年。"
    ),
    "where the measure began": "实施组",
    "elsewhere": "对照组",
    "the districts": "设立片区",
    "the measure": "该措施",
    "higher": "高",
    "lower": "低",
    "No effect can be computed from these data.": "根据这些数据无法计算效应。",
    "The outcome is not known in any year under treatment yet, so there is no effect to compute.": (
        "目前还没有实施之后任何一年的指标数据，因此无效应可算。"
    ),
    "What such a study could show: a gain of {gain} % or a loss of {loss} % would be found in {power} % of cases, "
    "smaller ones less often (page 08).": (
        "这样的研究能发现什么：若增加{gain}%或减少{loss}%，有{power}%的机会被检测出来，更小的效应机会更低（见第08页）。"
    ),
    "What such a study could show: an effect of {size} would be found in {power} % of cases, smaller ones less often "
    "(page 08).": (
        "这样的研究能发现什么：若效应为{size}，有{power}%的机会被检测出来，更小的效应机会更低（见第08页）。"
    ),
    "The best estimate for {label} {inside}: since the start, on average {size} {direction} than without "
    "{cause}{share}.": "最佳估计：自开始以来，{inside}的{label}平均比假如没有{cause}时{direction}{size}{share}。",
    " (about {amount})": "（约{amount}）",
    " (about {amount} for each {noun} and year)": "（平均每{noun}每年约{amount}）",
    " ({number} % of that level)": "（相当于后者的{number}%）",
    " ({value} log points, the scale of the estimate)": "（估计时取对数，为{value}个对数点）",
    "This is their change less that of the others over the same years (difference-in-differences).": (
        "算法是双重差分法：其前后的变化，减去其余各处同期的变化。"
    ),
    "Each start year is compared with the places that never began, and the results are averaged.": (
        "各开始年份分别与从未实施的地方比较，再取平均。"
    ),
    "Allowing for chance, the data fit {low} to {high} (95 % interval, with {groups} as the independent "
    "observations: clustered CR2 errors).": (
        "考虑到偶然波动，与数据相符的取值范围为{low}至{high}（95%置信区间；以{groups}为独立观测单位，采用CR2聚类稳健标准误）。"
    ),
    "That includes zero: the data cannot tell the effect from none.": (
        "这一范围包含零：仅凭这些数据，无法判断是否有效应。"
    ),
    "That leaves out zero: chance alone hardly explains the difference.": (
        "这一范围不包含零：差距难以仅用偶然来解释。"
    ),
    "With only {treated} behind it, the interval itself is unsure.": "由于只有{treated}，这一区间本身也不够可靠。",
    "No interval can be given: with {treated} alone, its own luck cannot be told from the effect.": (
        "无法给出置信区间：只有{treated}，其自身的偶然波动与效应无法区分。"
    ),
    "No interval can be given: a part of the effect rests on one group alone, with its own luck.": (
        "无法给出置信区间：效应的一部分仅取决于一个组，其自身的偶然波动无法排除。"
    ),
    "No interval can be given: the data show no scatter to judge by.": "无法给出置信区间：数据没有可供判断的波动。",
    "Had lots chosen among all groups, a difference as clear would come up in {chance} % of draws (randomization "
    "test; here never less than {floor} %; within strata there is nothing to draw).": (
        "假如在所有组中抽签选定，会有{chance}%的抽签结果出现同样明显的差距（随机化推断；此处不可能低于{floor}%；各分层内无可抽之处）。"
    ),
    "Had lots chosen, a difference as clear would come up in {chance} % of draws (randomization test; here "
    "never less than {floor} %).": (
        "假如实施对象由抽签选定，会有{chance}%的抽签结果出现同样明显的差距（随机化推断；此处不可能低于{floor}%）。"
    ),
    "Less than {level} % would convince, which this test cannot reach here.": (
        "低于{level}%才有说服力，而这一检验在此无法达到。"
    ),
    "A test by lot (randomization) cannot be made here.": "抽签检验（随机化推断）在此无法进行。",
    "A test by lot (randomization) cannot be made either: how sure the estimate is, is unknown.": (
        "抽签检验（随机化推断）也无法进行，因此无从得知估计有多可靠。"
    ),
    # The summary: figure
    "Effect on {label} by year since the start ({data})": "对{label}的效应，按距开始的年数（{data}）",
    "Means of {label} by year ({data})": "{label}的历年均值（{data}）",
    "*Figure:* the gap by year, against the year before the start (hollow dot). Left of the dashed line dots near "
    "zero mean that both moved alike.": (
        "图：各年两者之差，以开始前一年为基准（空心点）。虚线左侧各点接近零，说明此前两者变化一致。"
    ),
    " Bars are 95 % intervals.": "竖线为95%置信区间。",
    "*Figure:* means by year; dashed lines mark the start. The effect by year cannot be drawn.": (
        "图：历年均值，虚线为开始时间。无法画出各年份的效应。"
    ),
    # The summary: what it rests on
    "Data: {rows}, none without the outcome.": "数据：{rows}，该指标均无缺失。",
    "Data: {rows}; {dropped} without the outcome left out.": "数据：{rows}；另有{dropped}缺少该指标，未使用。",
    "Outcome: {definition}{detail}.": "指标：{definition}{detail}。",
    "Effects are in per cent, {why}.": "效应以百分比表示，{why}。",
    "Effects are in per cent (estimated in logs), {why}.": "效应以百分比表示（估计时取对数），{why}。",
    "Effects are in the outcome's unit, {why}.": "效应以该指标的单位表示，{why}。",
    "because the column holds logarithms": "因为该列数据已取对数",
    "as the study declares": "此尺度由研究设定",
    "because money and counts grow in per cent": "因为金额和数量通常按比例增长",
    "because it is neither money nor a count": "因为该指标既不是金额，也不是数量",
    "Among {villages} never treated, those that started higher changed by {percent} % against the others in per cent "
    "and by {level} % in levels. The smaller change speaks for its scale.": (
        "在从未实施的{villages}中，起点较高者与其余的增幅之差，按比例比较为{percent}%，按水平值比较为{level}%；差距较小的尺度更符合数据。"
    ),
    "Assumed: {assumptions}": "假定：{assumptions}",
    "{number} to compare with were made for this study: {villages} each, in the order of their codes.": (
        "用于比较的{number}是为本研究划分的：按代码顺序，每组{villages}。"
    ),
    "{number} to compare with were made for this study: {villages} each, in the order of their names.": (
        "用于比较的{number}是为本研究划分的：按名称顺序，每组{villages}。"
    ),
    "about {villages}": "约{villages}",
    "It is assumed that without {cause} both sides would have moved alike (parallel trends).": (
        "前提是：假如没有{cause}，两者的变化本应一致（平行趋势）。"
    ),
    "The years before the start do not suffice to look into this.": "开始前的年份不足以检验这一点。",
    "In the {years} before, the gap moved by {slope} a year{interval}.": (
        "开始前的{years}里，差距平均每年变化{slope}{interval}。"
    ),
    " (95 % interval {low} to {high}, p {chance}; all years together p {joint})": (
        "（95%置信区间{low}至{high}，p {chance}；各年联合检验p {joint}）"
    ),
    " (95 % interval {low} to {high}, p {chance})": "（95%置信区间{low}至{high}，p {chance}）",
    "That speaks against it (p below {level} does).": "这与平行趋势不符（p小于{level}）。",
    "That does not speak against it (p below {level} would), but is no proof.": (
        "未发现不符之处（p小于{level}才算不符），但这并不等于证明。"
    ),
    "How sure that is cannot be said.": "其可靠程度无从得知。",
    # The summary: what it cannot show
    "Cause: places were chosen, not drawn by lot; if they would have done better anyway, that is in the number.": (
        "因果关系：实施地点是选定的，并非抽签决定。如果这些地方本来就会更好，这一部分也计入了上述数字。"
    ),
    "Single places: the number is an average.": "单个地方的情况：上述数字只是平均数。",
    "Neighbours: if places outside gained or lost too, the number is off.": (
        "对周边的影响：如果周边地方也因此受益或受损，上述数字就有偏差。"
    ),
    "Others: only one case was observed.": "其他地方会怎样：只观察到一个实施对象。",
    "Real gains: amounts are in prices of the day, inflation included.": (
        "实际增长：金额按当年价格计算，包含物价上涨因素。"
    ),
}
