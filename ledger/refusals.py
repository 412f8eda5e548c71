"""Every reason for which the ledger says no: its precedence, its rule, its clause, its remedy, in one table.

A refusal always says four things to the person at the counter: 值 (what was given), 规则 (what it breaks), 依据 (where
that is written) and 办法 (what to do). `Reason` is in fixed precedence: where several faults meet, the first one is
told. Text is Chinese; the enumeration is what machines read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why something was refused; earlier members take precedence over later ones."""

    COMMAND_ID = "COMMAND_ID"
    ROW_FAULT = "ROW_FAULT"
    IDENTITY_FAULT = "IDENTITY_FAULT"
    OTHER_POOL = "OTHER_POOL"
    UNKNOWN_PERSON = "UNKNOWN_PERSON"
    NAME_DIFFERS = "NAME_DIFFERS"
    SAME_PERSON = "SAME_PERSON"
    UNDER_AGE = "UNDER_AGE"
    ALREADY_OPEN = "ALREADY_OPEN"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    UNKNOWN_DIVISION = "UNKNOWN_DIVISION"
    KIND = "KIND"
    AMOUNT = "AMOUNT"
    PERIOD = "PERIOD"
    DATE = "DATE"
    SERIAL_CONFLICT = "SERIAL_CONFLICT"
    NOTHING_TO_REVERSE = "NOTHING_TO_REVERSE"
    ALREADY_REVERSED = "ALREADY_REVERSED"
    ALREADY_REFUNDED = "ALREADY_REFUNDED"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    NOT_CLOSED = "NOT_CLOSED"
    YEAR_NOT_ENDED = "YEAR_NOT_ENDED"
    ALREADY_CREDITED = "ALREADY_CREDITED"
    EARLIER_YEAR_OPEN = "EARLIER_YEAR_OPEN"
    NO_RATE = "NO_RATE"
    NO_CAP = "NO_CAP"
    OVER_CAP = "OVER_CAP"
    ALREADY_DECLARED = "ALREADY_DECLARED"
    NOT_MEMBER = "NOT_MEMBER"
    PENSIONER = "PENSIONER"
    NOT_PAID = "NOT_PAID"
    NOT_STANDARD = "NOT_STANDARD"
    BELOW_FLOOR = "BELOW_FLOOR"
    RULE_VALUE = "RULE_VALUE"
    PAYER_UNKNOWN = "PAYER_UNKNOWN"
    PAYER_KIND = "PAYER_KIND"
    PAYER_UNCONFIRMED = "PAYER_UNCONFIRMED"
    NOT_ADMITTED = "NOT_ADMITTED"
    PLAN_UNKNOWN = "PLAN_UNKNOWN"
    PLAN_EXISTS = "PLAN_EXISTS"
    PLAN_STATE = "PLAN_STATE"
    STANDING_PLAN = "STANDING_PLAN"
    STANDARD = "STANDARD"
    SOURCE = "SOURCE"
    STEP_UNKNOWN = "STEP_UNKNOWN"
    STEP_DOES = "STEP_DOES"
    STEP_ACTOR = "STEP_ACTOR"
    STEP_TAKEN = "STEP_TAKEN"
    STEP_ORDER = "STEP_ORDER"
    EVIDENCE = "EVIDENCE"
    STEP_TOO_EARLY = "STEP_TOO_EARLY"
    STEP_TOO_LATE = "STEP_TOO_LATE"
    ROSTER_STATE = "ROSTER_STATE"
    ROSTER_ROWS = "ROSTER_ROWS"
    ROSTER_FAULTS = "ROSTER_FAULTS"
    NOT_IN_FULL = "NOT_IN_FULL"
    FORM_UNKNOWN = "FORM_UNKNOWN"
    FILING = "FILING"
    MONTH_SIGNED = "MONTH_SIGNED"
    MONTH_NOT_SIGNED = "MONTH_NOT_SIGNED"
    DIFFERENCE_UNKNOWN = "DIFFERENCE_UNKNOWN"
    DIFFERENCE_ENDED = "DIFFERENCE_ENDED"
    NOT_AN_ENDING = "NOT_AN_ENDING"
    MONTH_STALE = "MONTH_STALE"
    DIFFERENCES_OPEN = "DIFFERENCES_OPEN"
    PROFILE = "PROFILE"
    BATCH_HEADER = "BATCH_HEADER"
    REFUND_UNKNOWN = "REFUND_UNKNOWN"
    REFUND_STATE = "REFUND_STATE"
    NOTHING_TO_REFUND = "NOTHING_TO_REFUND"
    FAILURE_UNKNOWN = "FAILURE_UNKNOWN"
    FAILURE_STATE = "FAILURE_STATE"
    NOT_APPROVED = "NOT_APPROVED"
    SENT_UNKNOWN = "SENT_UNKNOWN"
    SENT_STATE = "SENT_STATE"
    NOT_RECEIVED = "NOT_RECEIVED"
    ALREADY_ALLOCATED = "ALREADY_ALLOCATED"
    CANCELLED_BY_TAX = "CANCELLED_BY_TAX"
    OTHER_COUNTY = "OTHER_COUNTY"
    OTHER_PERSON = "OTHER_PERSON"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One no: the reason, and what a person needs to go on. Never holds a name or a citizen number."""

    reason: Reason
    value: str
    rule: str
    clause: str
    remedy: str

    @property
    def text(self) -> str:
        """The refusal in one line for result files, the console and problem documents."""
        return f"值：{self.value}；规则：{self.rule}；依据：{self.clause}；办法：{self.remedy}"


class Refused(Exception):  # noqa: N818 — a refusal is an answer, not an error of the program
    """Carries a refusal out of a command that ends with it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


HOUSE: Final = "本账簿记账规则"
"""Cited where no document rules: the ledger's own discipline, written down in the decisions of the project."""

_TABLE: Final[dict[Reason, tuple[str, str, str]]] = {
    Reason.COMMAND_ID: ("同一命令编号只用于内容相同的命令", HOUSE, "重发须内容不变；另一笔业务请用新的命令编号"),
    Reason.ROW_FAULT: ("每行的单元格须与表头对应且完整", HOUSE, "按表头补正该行后重报"),
    Reason.IDENTITY_FAULT: ("公民身份号码须符合编码规则", "GB 11643《公民身份号码》", "核对有效身份证件后更正再报"),
    Reason.OTHER_POOL: ("只记本统筹区的款项", HOUSE, "转交该行所写的统筹区"),
    Reason.UNKNOWN_PERSON: ("本统筹区须已有该参保人的登记", HOUSE, "先办理参保登记或转入，再报本笔"),
    Reason.NAME_DIFFERS: ("姓名须与参保登记一致", HOUSE, "核对证件；确已更名的，先办理姓名变更登记"),
    Reason.SAME_PERSON: ("经办与复核须为两人", "经办、复核不相容岗位相互分离", "由另一人复核后重办"),
    Reason.UNDER_AGE: ("参保时须已满规定年龄", HOUSE, "满规定年龄后再办理参保登记"),
    Reason.ALREADY_OPEN: ("一人在一个统筹区只能有一个未注销的个人账户", HOUSE, "使用已有账户；确需重建的先办理注销"),
    Reason.UNKNOWN_ACCOUNT: ("账户编号须为本统筹区已建账户", HOUSE, "核对账户编号或按公民身份号码查询"),
    Reason.UNKNOWN_DIVISION: ("旗县、乡镇、村须齐全且为本统筹区已有区划", HOUSE, "核对区划名称，或先登记该区划"),
    Reason.KIND: ("征收品目、缴费类型、数据类型须为约定的取值", HOUSE, "按约定取值更正后重报"),
    Reason.AMOUNT: ("金额须大于零、至多两位小数且不超过单笔上限", HOUSE, "核对票据金额后更正重报"),
    Reason.PERIOD: ("费款所属期须为一个有效年度", HOUSE, "更正费款所属期后重报"),
    Reason.DATE: ("日期须有效且符合记账时点", HOUSE, "核对入库日期后更正重报"),
    Reason.SERIAL_CONFLICT: ("同一流水号、同一数据类型的内容须一致", HOUSE, "与税务部门核对该流水号后由税务撤销重传"),
    Reason.NOTHING_TO_REVERSE: (
        "撤销、冲正须指向已记账且可冲正的一笔",
        HOUSE,
        "待原记录到达后重报，或核对原流水号、版本号",
    ),
    Reason.ALREADY_REVERSED: ("一笔记录只能冲正一次", HOUSE, "无须再次冲正；如需更正请另记一笔"),
    Reason.ALREADY_REFUNDED: (
        "已退费的缴费不再撤销、冲正，一笔款项只退出账户一次",
        HOUSE,
        "由税务部门收回该笔撤销；确应撤销的，先冲正退费记录，再以 tax retry 办理撤销",
    ),
    Reason.ACCOUNT_CLOSED: ("账户注销或转出后不再记账", HOUSE, "转退费或人工核查处理"),
    Reason.NOT_CLOSED: ("账户未终结或仍有余额的，不得删除身份信息", HOUSE, "先办理注销或转出，再申请删除"),
    Reason.YEAR_NOT_ENDED: ("结息年度结束后方可结息", HOUSE, "于次年1月1日及以后结息"),
    Reason.ALREADY_CREDITED: ("每个账户每年度只结息一次", HOUSE, "无须再次结息；利率有误的办理重新结息"),
    Reason.EARLIER_YEAR_OPEN: ("须按年度先后结息", HOUSE, "先结清较早年度"),
    Reason.NO_RATE: ("须有该年度公布的记账利率", HOUSE, "公布后以 interest rate set 录入利率及文号"),
    Reason.NO_CAP: (
        "集体补助、社会资助须有该年度最高缴费档次可核",
        HOUSE,
        "以 rules set --name cap 录入该年度最高档次及文号",
    ),
    Reason.OVER_CAP: ("补助与资助合计不得超过当年最高缴费档次", HOUSE, "核减超出部分或退回资助方"),
    Reason.ALREADY_DECLARED: ("一份名册中每人只列一次", HOUSE, "合并或删去重复的行后重报"),
    Reason.NOT_MEMBER: (
        "补助对象须为本集体经济组织成员（由组织出具成员名单）",
        HOUSE,
        "核对成员名单；确为成员的先补登名单",
    ),
    Reason.PENSIONER: ("已领取养老保险待遇的不享受集体补助", HOUSE, "从名册中删去该行"),
    Reason.NOT_PAID: ("须已缴纳本年度养老保险费", HOUSE, "由本人缴费到账后再申报，或从名册中删去该行"),
    Reason.NOT_STANDARD: ("金额须与方案的补助标准一致", HOUSE, "按方案的标准更正金额"),
    Reason.BELOW_FLOOR: ("补助金额原则上不低于下限", HOUSE, "提高金额；确需低于下限的，由复核人说明理由"),
    Reason.RULE_VALUE: ("规则参数须为已知名称和有效取值", HOUSE, "按 rules show 所列名称和取值更正"),
    Reason.PAYER_UNKNOWN: ("补助、资助单位须先登记", HOUSE, "先以 payer register 登记"),
    Reason.PAYER_KIND: ("单位类型须为本地区规定的补助主体", HOUSE, "由规定的主体申报"),
    Reason.PAYER_UNCONFIRMED: ("单位在税务端同步之前不办理人员申报", HOUSE, "待税务部门确认后以 payer confirm 登记"),
    Reason.NOT_ADMITTED: ("村（社区）须已列入试点范围", HOUSE, "列入试点名单后再办理"),
    Reason.PLAN_UNKNOWN: ("方案编号须为本统筹区已拟定的方案", HOUSE, "按 plan list 核对方案编号"),
    Reason.PLAN_EXISTS: ("同一村、同一年度、同一序号只有一个方案", HOUSE, "使用已有方案，或另取序号"),
    Reason.PLAN_STATE: ("方案须在办理之中", HOUSE, "另拟方案，或先恢复"),
    Reason.STANDING_PLAN: ("方案须一年一策", HOUSE, "按年度分别拟定方案"),
    Reason.STANDARD: ("补助标准须为定额、分档或比例之一", HOUSE, "按方案更正补助标准"),
    Reason.SOURCE: ("资金来源须明确且符合规定", HOUSE, "更正资金来源"),
    Reason.STEP_DOES: ("步骤须按其内容办理", HOUSE, "按 plan show 所列步骤及内容办理"),
    Reason.ROSTER_STATE: ("名册须处于可办理的环节", HOUSE, "按 plan show 核对名册及其环节"),
    Reason.ROSTER_ROWS: ("一份名册至少一行、至多5000行", HOUSE, "分为多份名册申报"),
    Reason.ROSTER_FAULTS: ("名册须逐行无误方可复核", HOUSE, "按结果文件逐行更正后重新申报"),
    Reason.NOT_IN_FULL: ("款项须足额到账", HOUSE, "与财政部门对账，补足或退回后重办"),
    Reason.FORM_UNKNOWN: ("表格须为本地区所依据文件或办理流程中的一种", HOUSE, "按 docs/regions.md 所列表格打印"),
    Reason.FILING: ("备案表的人数×元/人须等于补助合计", HOUSE, "与集体经济组织核对备案表，更正人数、标准或合计"),
    Reason.DIFFERENCE_UNKNOWN: ("差异编号须为该月对账所列", HOUSE, "按 tax differences list 核对编号"),
    Reason.DIFFERENCE_ENDED: ("差异已了结的不再办理", HOUSE, "无须再次办理"),
    Reason.NOT_AN_ENDING: ("差异只由其后发生的、同一人或同一流水号的账簿记录了结", HOUSE, "先记账，再以该记录了结差异"),
    Reason.MONTH_SIGNED: ("已签认的月份不得改动", HOUSE, "确需改动的，以 tax reopen 写明原因重开该月"),
    Reason.MONTH_NOT_SIGNED: ("只有已签认的月份可以重开", HOUSE, "直接办理，无须重开"),
    Reason.MONTH_STALE: ("签认须以最新的对账为准", HOUSE, "先以 tax reconcile 重新对账"),
    Reason.DIFFERENCES_OPEN: ("签认前每笔差异须已了结或说明原因", HOUSE, "按 tax differences list 逐笔办理"),
    Reason.PROFILE: ("交换文件的格式须为已有格式或有效的格式文件", HOUSE, "按 tax profiles list 核对格式"),
    Reason.BATCH_HEADER: (
        "文件须与其批次表头所载的批次号、总笔数、总金额一致",
        HOUSE,
        "与发送方核对后整批重传；尚未记录任何内容",
    ),
    Reason.REFUND_UNKNOWN: ("退费申请须已由税务部门传来", HOUSE, "按 tax refunds list 核对退费申请编号"),
    Reason.REFUND_STATE: ("退费申请须处于可办理的环节", HOUSE, "按 tax refunds list 核对该申请的状态"),
    Reason.NOTHING_TO_REFUND: (
        "退费须对应账户中同一电子税票、所属期和征收品目的一笔缴费",
        HOUSE,
        "核对税票号码、流水号、所属期和征收品目；确无该笔的，核验为不通过",
    ),
    Reason.FAILURE_UNKNOWN: ("缴费不成功事项须已登记", HOUSE, "按 tax failed list 核对事项编号"),
    Reason.FAILURE_STATE: (
        "缴费不成功事项须先指定责任人，办结后不再办理",
        HOUSE,
        "按 tax failed list 核对该事项的状态",
    ),
    Reason.NOT_APPROVED: (
        "入库反馈须对应已核定且未撤销的特殊缴费业务",
        HOUSE,
        "核对应收核定编号和人员；确未核定的，退回税务部门查明",
    ),
    Reason.SENT_UNKNOWN: ("传输批次号、序号须为本统筹区已发送的一行", HOUSE, "按 tax sent list 核对批次号和序号"),
    Reason.SENT_STATE: (
        "只有校验不通过、尚未重新发送的一行可以放行",
        HOUSE,
        "按 tax sent list --rejected 核对；已更正的随下一批发送，无须放行",
    ),
    Reason.NOT_RECEIVED: ("流水号须为已收到的缴费明细（新增）", HOUSE, "按 tax unallocated 核对流水号"),
    Reason.ALREADY_ALLOCATED: ("一笔缴费只划账一次", HOUSE, "无须再次划账；划错账户的，冲正后另记一笔"),
    Reason.CANCELLED_BY_TAX: ("税务已撤销的缴费不划入账户", HOUSE, "无须划账；有疑问的与税务部门核对"),
    Reason.OTHER_COUNTY: ("到账划账由账户所在旗县的社保经办机构办理", HOUSE, "转交账户所在旗县办理"),
    Reason.OTHER_PERSON: (
        "缴费明细写明的人员已登记的，只划入其本人账户",
        HOUSE,
        "划入本人账户；确属他人缴费的，由税务撤销后重传",
    ),
    Reason.STEP_UNKNOWN: ("步骤须为本地区办理流程中的一步", HOUSE, "按 rules show 所列步骤办理"),
    Reason.STEP_ACTOR: ("步骤须由规定的单位办理", HOUSE, "转由规定的单位办理"),
    Reason.STEP_TAKEN: ("同一步骤只办理一次", HOUSE, "无须再次办理"),
    Reason.STEP_ORDER: ("须先办理前一步骤", HOUSE, "先办理所缺步骤"),
    Reason.EVIDENCE: ("步骤须附规定的材料", HOUSE, "补齐材料后重办"),
    Reason.STEP_TOO_EARLY: ("公示期满后方可办理下一步骤", HOUSE, "公示期满次日起再办理"),
    Reason.STEP_TOO_LATE: ("须在规定的截止日期前办理", HOUSE, "列入下一年度办理"),
}


def refuse(
    reason: Reason,
    value: object,
    *,
    rule: str | None = None,
    clause: str | None = None,
    remedy: str | None = None,
) -> Refusal:
    """The refusal of `reason` for `value`; a region's own wording and clause take the place of the house's."""
    house_rule, house_clause, house_remedy = _TABLE[reason]
    return Refusal(reason, str(value), rule or house_rule, clause or house_clause, remedy or house_remedy)


PRECEDENCE: Final = {reason: place for place, reason in enumerate(Reason)}


def first(*refusals: Refusal | None) -> Refusal | None:
    """The refusal that takes precedence, or None where there is none."""
    told = [refusal for refusal in refusals if refusal is not None]
    return min(told, key=lambda refusal: PRECEDENCE[refusal.reason]) if told else None
