"""Whether the donors of a pool hold together, row by row, and whether an erased one is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.store.donors import Donors, SealedDonor
from ledger.store.keys import InvalidTag
from ledger.store.payers import PERSON
from ledger.store.register import Register


class DonorFault(NamedTuple):
    """A row that does not hold together: table, key, and what is wrong (Chinese, no identity)."""

    table: str
    key: str
    text: str


def donor_faults(register: Register) -> Iterator[DonorFault]:
    """Every row about a donor that does not open or does not agree with its neighbours.

    Each version of a person among the payers has a name beside it; an erasure adds a version that has none, and without
    such a version nobody may be empty. Versions are read before donors: what is registered meanwhile is no fault.
    """
    versions, donors = _versions(register), Donors(register)
    people = {one.code: one for one in donors.stored()}
    for code, expected in versions.items():
        if (donor := people.get(code)) is None:
            yield DonorFault("person_donor", code, "登记为个人资助人，而身份登记中没有")
            continue
        named = [one.version for one in donor.names]
        if donor.wrapped is None:  # perhaps since the versions were read, so this one is read again
            last = _versions(register, code)[code]
            yield from _left(donor, was_erased=[*named, last] == list(range(1, len(named) + 2)))
        elif named[:expected] != list(range(1, expected + 1)):
            yield DonorFault("person_donor_name", code, f"姓名历史缺少版本，应为1至{expected}")
        else:
            yield from _unopened(donors, donor)
    for code in _kept_commands(register):
        yield DonorFault("command", code, "资助人的身份信息已删除，但其命令的内容摘要仍在")


def _left(donor: SealedDonor, *, was_erased: bool) -> Iterator[DonorFault]:
    if not was_erased:
        yield DonorFault("person_donor", donor.code, "密钥已不存在，而没有删除身份信息的记录")
    elif donor.digest or donor.number or any(one.sealed for one in donor.names):
        yield DonorFault("person_donor", donor.code, "身份信息应已删除，但仍有残留")


def _unopened(donors: Donors, donor: SealedDonor) -> Iterator[DonorFault]:
    try:
        key = donors.key(donor)
        number = donors.number(donor, key)
    except (InvalidTag, ValueError):
        yield DonorFault("person_donor", donor.code, "密封的身份信息无法打开，已被改动")
        return
    if donor.digest != donors.digest(number):
        yield DonorFault("person_donor", donor.code, "查询摘要与密封的号码不符")
    for one in donor.names:
        try:
            donors.name(donor, key, one)
        except (InvalidTag, ValueError):
            yield DonorFault("person_donor_name", f"{donor.code} 第{one.version}版", "姓名记录已被改动")


def _versions(register: Register, code: str | None = None) -> dict[str, int]:
    """The latest version of each person among the payers, or of one of them."""
    statement = register.log.sql(
        "SELECT code, max(version) FROM {payer} WHERE kind = %s AND (%s::text IS NULL OR code = %s)"
        " GROUP BY code ORDER BY code"
    )
    with register.log.connections.connection() as connection:
        return dict(connection.execute(statement, (PERSON, code, code)).fetchall())


def _kept_commands(register: Register) -> list[str]:
    """The codes of erased donors about whom a command still has its digest."""
    statement = register.log.sql(
        "SELECT DISTINCT code FROM {person_donor} d JOIN {command} c ON c.command_id = ANY(d.commands)"
        " WHERE d.wrapped_key IS NULL AND c.input_hash <> '' ORDER BY code"
    )
    with register.log.connections.connection() as connection:
        return [row[0] for row in connection.execute(statement)]
