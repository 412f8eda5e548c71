"""校验结果 in: one answer to each row of a batch, a later one beside it; a rejected row returns with its reason.

What this file answered to a row before, or what holds already, is already there. A reason is kept for ever, so the name
and number of whom its row is about are taken out of it first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ledger.exchange import FileKind
from ledger.identity import names_somebody, squeezed
from ledger.jobs.intake import Ended, Outcome, Source, refused
from ledger.jobs.intake_beside import BesideTheLog
from ledger.refusals import Reason, Refusal, refuse
from ledger.sending import BATCH, PLACE, batch_text, read_batch
from ledger.store.answers import Answers, NewAnswer, Place, Verdict
from ledger.store.exchange_files import ExchangeFile
from ledger.store.holders import HolderName, open_versions
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.store.sent import SentBatches, SentRow

REQUIRED: Final = (BATCH, PLACE, "校验结果")
OPTIONAL: Final = ("原因",)
TEXT: Final = (BATCH,)
VERDICTS: Final = {"通过": True, "不通过": False}


class AnswerRow(NamedTuple):
    """A row that is well by itself."""

    line: int
    place: Place
    accepted: bool
    reason: str


class AnswerIntake(BesideTheLog[AnswerRow]):
    """One file of answers."""

    kind = "answers"

    def __init__(self, log: PoolLog, register: Register, source: Source, actor: str, *, dry_run: bool = False) -> None:
        super().__init__(log, register, source, actor, dry_run=dry_run)
        self._answers, self._batches = Answers(log), SentBatches(log)
        self._file = ExchangeFile(FileKind.ANSWERS, bytes.fromhex(source.sha256))
        self._sent: dict[Place, SentRow] = {}
        self._people: dict[UUID, list[HolderName]] = {}
        self._standing: dict[Place, tuple[Verdict, Verdict | None]] = {}
        self._pending: dict[Place, NewAnswer] = {}

    def read(self, line: int, cells: list[str]) -> AnswerRow | Outcome:
        """One row checked by itself. Reasons: SENT_UNKNOWN, KIND, ROW_FAULT."""
        batch = read_batch(self.cell(cells, BATCH), self.log.pool)
        place = squeezed(self.cell(cells, PLACE))
        if batch is None or not (place.isascii() and place.isdigit() and 0 < len(place) < 9):
            column = BATCH if batch is None else PLACE
            return refused(line, "", refuse(Reason.SENT_UNKNOWN, f"第{line}行“{column}”"))
        where = (batch, int(place))
        accepted = VERDICTS.get(squeezed(self.cell(cells, "校验结果")))
        if accepted is None:
            refusal = refuse(Reason.KIND, f"第{line}行“校验结果”", rule=f"“校验结果”须为：{'、'.join(VERDICTS)}")
            return refused(line, self._shown(where), refusal)
        reason = " ".join(self.cell(cells, "原因").split())
        if not accepted and not reason:
            refusal = refuse(Reason.ROW_FAULT, f"第{line}行“原因”", rule="校验不通过的须注明原因")
            return refused(line, self._shown(where), refusal)
        return AnswerRow(line, where, accepted, reason)

    def _shown(self, where: Place) -> str:
        return f"{batch_text(self.log.pool, where[0])}-{where[1]}"

    def look_up(self, rows: Sequence[AnswerRow]) -> None:
        """The rows that are answered, what was answered before, and whom a reason could name."""
        if not self.dry_run:  # a dry run writes nothing: what it decided stays pending to its end
            self._pending = {}
        places = {row.place for row in rows}
        self._sent = self._batches.rows_at(places)
        self._standing = self._answers.standing(places, self._answers.file_id(self._file))
        about = {
            sent.participant
            for row in rows
            if row.reason and (sent := self._sent.get(row.place)) and sent.participant is not None
        }
        latest = self.register.versions(about, None)
        asked = {(who, version) for who, last in latest.items() for version in range(1, last + 1)}
        self._people = {}
        for (who, _), name in open_versions(self.register, asked).items():
            self._people.setdefault(who, []).append(name)

    def decide(self, row: AnswerRow) -> Outcome:
        """The outcome of one row. Reasons: SENT_UNKNOWN, ROW_FAULT, SERIAL_CONFLICT."""
        shown = self._shown(row.place)
        sent = self._sent.get(row.place)
        if sent is None:
            return refused(row.line, shown, refuse(Reason.SENT_UNKNOWN, shown))
        verdict = Verdict(row.accepted, self._nameless(row.reason, sent.participant))
        if names_somebody(verdict.reason):
            rule = "原因永久保存，不得含有公民身份号码"
            return refused(row.line, shown, refuse(Reason.ROW_FAULT, f"第{row.line}行“原因”", rule=rule))
        latest, mine = self._standing.get(row.place, (None, None))
        pending = self._pending.get(row.place)
        mine = pending.verdict if pending else mine
        if verdict == (mine or latest):
            return Outcome(row.line, shown, Ended.ALREADY_THERE)
        if mine is not None:
            return refused(row.line, shown, _conflict(shown))
        self._pending[row.place] = NewAnswer(row.place, row.line, verdict)
        return Outcome(row.line, shown, Ended.RECORDED)

    def _nameless(self, reason: str, participant: UUID | None) -> str:
        """A reason without the number and without any name of whom its row is about."""
        people = self._people.get(participant, []) if participant else []
        for person in people:
            for said, word in (
                (person.number, "（号码）"),
                (person.number.lower(), "（号码）"),
                (person.name, "（姓名）"),
            ):
                if said:
                    reason = reason.replace(said, word)
        return reason

    def write_pending(self) -> None:
        """The rows of the tranche, with their file."""
        if self._pending:
            self._answers.write(self._file, list(self._pending.values()), self.file_origin)


def _conflict(shown: str) -> Refusal:
    rule, remedy = "一个文件对一行只有一个校验结果", "与税务部门核对后由税务另发文件"
    return refuse(Reason.SERIAL_CONFLICT, shown, rule=rule, remedy=remedy)
