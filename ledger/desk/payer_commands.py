"""What may be asked about payers, admitted villages, rolls and statuses; see `ledger/desk/commands.py`."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from ledger.desk.commands import Command
from ledger.forms.filing import Filed
from ledger.store.payers import Payer, Period


class RegisterPayer(Command, frozen=True, kw_only=True):
    """登记单位 (备案表), or a change of what is registered; the village by its code or as 旗县/乡镇/村.

    `filed` are the standards that the 备案表 states, `filed_fen` is the sum it states.
    """

    code: str
    kind: str
    name: str
    document: str
    village: str = ""
    village_number: str = ""
    filed: tuple[Filed, ...] = ()
    filed_fen: int = 0


class RegisterDonor(Command, frozen=True, kw_only=True):
    """登记个人资助人, or a change of what is registered: a normalised citizen number, the name, the paper.

    The code is the ledger's own to give, see `ledger/store/donors.py`.
    """

    number: str
    name: str
    document: str
    village: str = ""


class EraseDonor(Command, frozen=True, kw_only=True):
    """删除 who a donor is; refused while a plan of theirs is open or holds money."""

    code: str
    reason: str


class ConfirmPayer(Command, frozen=True, kw_only=True):
    """税务端已关联虚拟户: 纳税人识别号 and 社保编码, and the day."""

    code: str
    tax_number: str
    social_code: str
    on: date


class AdmitVillage(Command, frozen=True, kw_only=True):
    """列入试点: a village from a day on, to a day or open."""

    village: str
    since: date
    document: str
    until: date | None = None


class EnrolMembers(Command, frozen=True, kw_only=True):
    """成员名单: who is on a payer's roll, from when to when."""

    code: str
    periods: tuple[Period, ...]


class SetStatuses(Command, frozen=True, kw_only=True):
    """人员状态: who draws a pension or belongs to a group, from when to when."""

    periods: tuple[Period, ...]


class PayerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an accepted command is told: the payer as it stands, the village, or how many persons were written.

    A person is told by their code and without a name; the dry run of a new one has no code yet. `already_there` says
    that all of it stood so before. `recorded_at` ISO 8601 in UTC, None for a dry run.
    """

    command_id: UUID
    recorded_at: str | None
    payer: Payer | None = None
    village: str | None = None
    persons: int | None = None
    already_there: bool = False
    dry_run: bool = False
