"""The kinds of rows that go out to the tax side, and where each takes them from.

Another kind joins `SOURCES`: a class that gives its rows page by page (`ledger.sending.Outgoing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ledger.exchange import TYPES
from ledger.jobs.outgoing_refunds import SentRefundChecks, SentRefunds
from ledger.jobs.payment_rows import PAYMENT_TYPES
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import PAYER_KINDS
from ledger.sending import NAME, NUMBER, PAYER, PLACE, Outgoing, OutRow
from ledger.store.divisions import Divisions
from ledger.store.external_identities import CANCELLED
from ledger.store.log import PoolLog
from ledger.store.outgoing import PAGE, DueReceivable, OutgoingRows
from ledger.store.payers import Payer, Payers
from ledger.store.sent import SentBatches
from ledger.store.states import load_states
from ledger.words import CHINESE

_TYPE_WORDS: Final = {word: text for text, word in PAYMENT_TYPES.items()}


class Registrations:
    """参保登记: every person with an account, with their village, the day they joined, and whether it still holds."""

    kind = "registrations"
    columns = (PLACE, NUMBER, NAME, "旗县", "乡镇", "村", "参保日期", "登记状态")
    renamed = True

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._rows = OutgoingRows(log)
        self._places = _Places(log)

    def pages(self) -> Iterator[list[OutRow]]:
        """By participant."""
        for page in self._rows.persons():
            states = load_states(self._log, [one.account for one in page])
            rows = []
            for one in page:
                state, label = states[one.account], f"人员{one.participant}"
                said = (
                    *self._places.names(one.division), state.opened_on.isoformat(), "终止" if state.closed else "参保",
                )  # fmt: skip
                fault = self._places.fault(one.division, label)
                rows.append(OutRow(str(one.participant), label, one.participant, one.version, 0, said, fault))
            yield rows


class SentReceivables:
    """应收核定 that was not sent yet, from notices and files; `Specials` are those of back payments.

    A withdrawal goes out where what it withdraws did and was not rejected; what was never sent needs none.
    """

    kind = "receivables"
    columns = (
        PLACE, "应收核定编号", NUMBER, NAME, "费款所属期", "征收品目", "缴费类型", "应缴金额", "核定日期",
        "数据类型", PAYER,
    )  # fmt: skip
    renamed = False
    _special = False

    def __init__(self, log: PoolLog) -> None:
        self._rows = OutgoingRows(log)
        self._sent = SentBatches(log)

    def pages(self) -> Iterator[list[OutRow]]:
        """By file and line."""
        for page in self._rows.receivables(special=self._special):
            originals = {_subject(one.original) for one in page if one.original}
            sent = self._sent.latest(self.kind, originals) if originals else {}
            standing = {subject for subject, latest in sent.items() if latest.accepted is not False}
            yield [
                self._row(one)
                for one in page
                if one.data_type != CANCELLED or (one.original and _subject(one.original) in standing)
            ]

    def _row(self, one: DueReceivable) -> OutRow:
        said = (
            one.number, str(one.period), CHINESE[one.kind], _TYPE_WORDS[one.payment_type], fen_to_yuan(one.fen),
            one.approved_on.isoformat(), "撤销" if one.data_type == CANCELLED else "新增", one.payer,
        )  # fmt: skip
        subject = _subject((one.file, one.line))
        return OutRow(subject, one.number, one.participant, one.version, one.fen, said, self._fault(one))

    def _fault(self, one: DueReceivable) -> Refusal | None:
        if one.fen <= 0:
            return refuse(Reason.AMOUNT, f"{fen_to_yuan(one.fen)}元")
        return None


class Specials(SentReceivables):
    """特殊缴费业务核定: 中断补缴 and 一次性补缴, approved by two people before they are paid (S4 第三章)."""

    kind = "special"
    _special = True

    def _fault(self, one: DueReceivable) -> Refusal | None:
        if one.payment_type == "unspecified":
            rule = "特殊缴费业务须注明中断补缴或一次性补缴"
            remedy = "撤销后按实际缴费类型重新核定"
            return refuse(Reason.KIND, _TYPE_WORDS[one.payment_type], rule=rule, remedy=remedy)
        return super()._fault(one)


class Villages:
    """嘎查村（社区） and the virtual units of their payers: codes and names of both sides (S0 附件1 四（二）).

    纳税人识别号 and 社保编码 come from the tax side, so a payer goes out first without them, and again with them.
    """

    kind = "villages"
    columns = (
        PLACE, "统一社会信用代码", "单位名称", "集体补助村编号", "纳税人识别号", "社保编码", "区划编码", "旗县",
        "乡镇", "村",
    )  # fmt: skip
    renamed = False

    def __init__(self, log: PoolLog) -> None:
        self._payers = Payers(log)
        self._places = _Places(log)

    def pages(self) -> Iterator[list[OutRow]]:
        """By code. Donors have no virtual unit."""
        after = ""
        while page := self._payers.every(after, PAGE):
            yield [self._row(one) for one in page if one.kind in PAYER_KINDS]
            after = page[-1].code

    def _row(self, one: Payer) -> OutRow:
        said = (
            one.code, one.name, one.village_number, one.tax_number, one.social_code, one.village,
            *self._places.names(one.village),
        )  # fmt: skip
        return OutRow(one.code, one.code, None, 0, 0, said, self._places.fault(one.village, one.code))


SOURCES: Final[dict[str, Callable[[PoolLog], Outgoing]]] = {
    one.kind: one for one in (Registrations, SentReceivables, Specials, Villages, SentRefundChecks, SentRefunds)
}
"""Every kind that goes out, by the word of the command."""
TITLES: Final = {
    "registrations": "参保登记",
    "receivables": "应收核定",
    "special": "特殊缴费业务核定",
    "villages": "嘎查村及虚拟单位对照",
    "refund-checks": "退费核验信息",
    "refunds": "退费信息",
}
assert TITLES.keys() == SOURCES.keys()
assert set(_TYPE_WORDS) == set(TYPES)


class _Places:
    """Counties, townships and villages by the code of a village."""

    def __init__(self, log: PoolLog) -> None:
        self._names = Divisions(log).names()

    def names(self, village: str) -> tuple[str, str, str]:
        """Their names; empty where the pool has no such division."""
        pool, *parts = village.split(".")
        codes = [".".join((pool, *parts[:depth])) for depth in (1, 2, 3)]
        county, township, name = (self._names.get(code, "") for code in codes)
        return county, township, name

    def fault(self, village: str, label: str) -> Refusal | None:
        """UNKNOWN_DIVISION where one of them is not known."""
        return None if all(self.names(village)) else refuse(Reason.UNKNOWN_DIVISION, label)


def _subject(place: tuple[int, int]) -> str:
    return f"{place[0]}:{place[1]}"
