"""A person as donor of social aid, through the installed command: registered, giving, known by a code alone, erased."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook

from api.cli import imports
from ledger.account_events import SocialAidRecorded
from ledger.identity import normalise_credit_code
from ledger.store.donors import Donors
from ledger.store.plans import Plans
from ledger.store.register import ERASED
from ledger.store.register_proof import RegisterProof
from ledger.store.server import bin_dir
from projections.runner import catch_up
from projections.verify import verify
from samples.people import citizen_number
from tests.api.cli.desk import RECORDED, Desk, Ended, Person, person
from tests.api.cli.test_participant_erase import tables_that_say
from tests.api.cli.village import DONOR, PAYER, PEOPLE, YEAR, Village

HANDS = ("--actor", "甲", "--reviewer", "乙")
GIVER = person(851, "欧阳善施")
RENAMED = GIVER._replace(name="欧阳更善")
OTHER = person(852, "司徒乐捐")
STRANGER = person(853, "令狐路人")
CODE = re.compile(r"PERSON-[A-Z2-7]{16}")


@pytest.fixture(scope="module")
def village(open_desk: Any) -> Village:
    return Village(open_desk("neimenggu"))


def registering(desk: Desk, who: Person, *more: object, document: str = "资助申请1号", hands: Any = HANDS) -> Any:
    return (
        "payer", "register", "--pool", desk.code, "--kind", "person", "--citizen", who.number, "--name", who.name,
        "--document", document, *hands, *more,
    )  # fmt: skip


def registered(desk: Desk, who: Person, *more: object) -> str:
    """The code of somebody who is registered now, or was before."""
    ended = desk.inside(*registering(desk, who, *more))
    assert ended.code == 0, ended
    found = CODE.search(ended.out)
    assert found, ended
    return found[0]


def erasing(desk: Desk, code: str, *more: object, reason: str = "本人书面申请", hands: Any = HANDS) -> Any:
    return ("payer", "erase", "--pool", desk.code, "--code", code, "--reason", reason, *hands, *more)


def listed(desk: Desk, code: str) -> Any:
    return next(one for one in desk.inside("payer", "list", "--pool", desk.code, "--json").json if one["code"] == code)


def aid_plan(village: Village, payer: str, sequence: int, yuan: str = "120.00") -> tuple[UUID, str]:
    """A donor's plan with a reviewed roster of two people."""
    plan = village.plan("--aid", "--sequence", sequence, payer=payer)
    village.walk(plan, "declared")
    rows = [village.row(one, yuan, 补助或资助类型="社会资助") for one in PEOPLE[:2]]
    roster = village.declare(plan, *rows, name=f"aid{sequence}.csv").json["roster"]
    village.walk(plan, "reviewed", roster)
    assert village.review(plan, roster).code == 0
    return plan, roster


def aid(village: Village, who: Person, serial: str, source: str, yuan: str = "120.00", **cells: object) -> Any:
    said = {"征收品目": "社会资助", "来源单位": source, "费款所属期": str(YEAR), **cells}
    return village.desk.payment(who, serial, yuan, "2025-11-03", **said)


def received(village: Village, plan: UUID) -> tuple[int, int, int]:
    state = Plans(village.desk.log).find(plan)
    assert state is not None
    return state.received // 100, state.credited // 100, state.unallocated // 100


def payers_of(desk: Desk, who: Person) -> list[str]:
    return [event.payer for event in desk.history(who) if isinstance(event, SocialAidRecorded)]


def close(village: Village, plan: UUID) -> None:
    village.desk.prepare(
        "aid", "close", "--pool", village.desk.code, "--plan", plan, "--reason", "资助完毕", *HANDS
    )  # fmt: skip


def nothing_wrong(desk: Desk) -> None:
    catch_up(desk.log)
    assert verify(desk.log) == []
    assert list(RegisterProof(desk.register).faults()) == []


# -- the register -----------------------------------------------------------------------------------------------------


def test_the_same_person_is_the_same_payer_and_another_name_is_a_version(open_desk):
    desk = open_desk("neimenggu")
    done = desk.ledger(*registering(desk, GIVER))
    (code,) = CODE.findall(done.out)
    assert (done.code, "已登记" in done.out) == (0, True)
    spelled = GIVER._replace(number=f"{GIVER.number[:6]} {GIVER.number[6:]}", name=" ".join(GIVER.name))
    same = desk.ledger(*registering(desk, spelled))
    assert (same.code, code in same.out, "未变更" in same.out) == (0, True, True)
    assert desk.query("SELECT count(*) FROM {payer}") == [(1,)]
    assert (registered(desk, RENAMED), registered(desk, OTHER) == code) == (code, False)
    donors = Donors(desk.register)
    (stored,) = donors.stored([code])
    names = [donors.name(stored, donors.key(stored), one) for one in stored.names]
    assert (names, donors.number(stored, donors.key(stored))) == ([GIVER.name, RENAMED.name], GIVER.number)
    told = listed(desk, code)
    assert (told["kind"], told["name"], told["document"]) == ("person", "欧***", "资助申请1号")
    assert "欧***" in desk.inside("payer", "list", "--pool", desk.code).out
    other_pool = open_desk("neimenggu")
    assert registered(other_pool, GIVER) != code
    nothing_wrong(desk)


@pytest.mark.parametrize(
    ("words", "more", "exit_code", "said"),
    [
        ({"who": GIVER._replace(number=GIVER.number[:-1] + "0")}, (), 64, "校验码"),
        ({"who": GIVER._replace(number="640000198003")}, (), 64, "18 位"),
        ({"hands": ("--actor", "甲", "--reviewer", "甲")}, (), 1, "SAME_PERSON"),
        ({"document": f"{GIVER.name}申请"}, (), 1, "依据文号"),
        ({"document": f"证{GIVER.number}"}, (), 1, "依据文号"),
        ({"who": GIVER._replace(name=GIVER.number)}, (), 1, "IDENTITY_FAULT"),
        ({"who": GIVER._replace(name=" ")}, (), 1, "IDENTITY_FAULT"),
        ({}, ("--code", DONOR), 64, "--citizen"),
        ({}, ("--village-number", "JT1"), 64, "--citizen"),
        ({}, ("--village", "无县/无镇/无村"), 1, "UNKNOWN_DIVISION"),
    ],
)
def test_a_person_who_cannot_be_registered_is_not_named_in_the_refusal(village, words, more, exit_code, said):
    desk = village.desk
    assert GIVER.number[-1] != "0"
    before = desk.query("SELECT count(*) FROM {payer}")
    who = words.pop("who", GIVER)
    ended = desk.inside(*registering(desk, who, *more, **words))
    squeezed = "".join((ended.out + ended.err).replace("│", "").split())
    assert (ended.code, "".join(said.split()) in squeezed) == (exit_code, True), ended
    assert who.number not in squeezed
    assert GIVER.name not in squeezed
    assert desk.query("SELECT count(*) FROM {payer}") == before


def test_an_organisation_has_its_code_and_nobody_s_number(village):
    desk = village.desk
    plain = ("payer", "register", "--pool", desk.code, "--name", "示例慈善会", "--document", "1号", *HANDS)
    for more in (("--kind", "charity"), ("--kind", "charity", "--code", DONOR, "--citizen", GIVER.number)):
        ended = desk.inside(*plain, *more)
        assert (ended.code, GIVER.number in ended.err) == (64, False)
    both = citizen_that_passes_as_code()
    ended = desk.inside(*plain, "--kind", "charity", "--code", both)
    assert (ended.code, "行政区划" in ended.err, both in ended.err) == (1, True, False)


def citizen_that_passes_as_code() -> str:
    """One citizen number in 31 satisfies the check of a credit code."""
    for sequence in range(1, 999):
        number = citizen_number(f"64000019800301{sequence:03d}")
        try:
            normalise_credit_code(number)
        except ValueError as fault:
            if "行政区划" in str(fault):
                return number
    raise AssertionError("none of a thousand")


def test_a_registration_is_tried_and_is_done_once_under_its_id(open_desk):
    desk = open_desk("neimenggu")
    same = ("--command-id", "0192f0a1-7c1e-7f00-8a4d-93c2b1a0f5e5")
    tried = desk.inside(*registering(desk, GIVER, *same, "--dry-run"))
    assert (tried.code, "试算" in tried.out, "登记时编号" in tried.out) == (0, True, True)
    assert desk.query("SELECT count(*) FROM {person_donor}") == [(0,)]
    first = desk.inside(*registering(desk, GIVER, *same))
    assert (first.code, desk.inside(*registering(desk, GIVER, *same)).out) == (0, first.out)
    for other in (RENAMED, OTHER):
        assert "COMMAND_ID" in desk.inside(*registering(desk, other, *same)).err


# -- plans and money --------------------------------------------------------------------------------------------------


def test_a_donor_s_plan_is_paid_by_tax_under_the_number_and_no_other_plan_is_touched(open_desk):
    village = Village(open_desk("neimenggu"))
    desk = village.desk
    code, other = registered(desk, GIVER), registered(desk, OTHER)
    plan, _ = aid_plan(village, code, 2)
    others, _ = aid_plan(village, other, 3)
    assert [village.declared_fen(one) for one in PEOPLE[:2]] == [240_00] * 2
    rows = [
        aid(village, PEOPLE[0], "D1", GIVER.number),
        aid(village, PEOPLE[1], "D2", f"{GIVER.number[:6]} {GIVER.number[6:]}"),
        aid(village, PEOPLE[2], "D3", STRANGER.number),
        aid(village, PEOPLE[3], "D4", GIVER.number[:-1] + "0"),
        aid(village, STRANGER, "D5", GIVER.number),
        aid(village, PEOPLE[4], GIVER.number, GIVER.number),
    ]
    file = desk.payments(rows)
    ended = desk.import_("payments", file)
    assert desk.outcomes(file) == [RECORDED] * 4 + ["UNKNOWN_PERSON", "ROW_FAULT"]
    texts = [one.text for one in desk.results(file)]
    assert (texts[0], "未登记为资助人" in texts[2], "来源单位未记" in texts[3]) == ("", True, True)
    said = ended.out + ended.err + file.with_name(file.name + ".result.csv").read_text()
    assert not [one for one in (GIVER, OTHER, STRANGER) if one.number in said or one.name in said]
    assert [payers_of(desk, one) for one in PEOPLE[:4]] == [[code], [code], [""], [""]]
    assert (received(village, plan), received(village, others)) == ((360, 240, 120), (0, 0, 0))
    assert [village.declared_fen(one) for one in PEOPLE[:2]] == [120_00] * 2  # the other donor's room alone
    before = desk.position()
    desk.import_("payments", file, inside=True)
    assert desk.position() == before
    nothing_wrong(desk)


def test_a_file_read_in_a_process_of_its_own_finds_donors_too(village, monkeypatch):
    desk = village.desk
    code = registered(desk, GIVER)
    monkeypatch.setattr(imports, "LONG_FROM", 1)
    file = desk.payments(
        [aid(village, PEOPLE[4], f"A{place}", GIVER.number, "1.00") for place in range(3)], "apart.csv"
    )
    assert desk.import_("payments", file, inside=True).code == 0
    assert payers_of(desk, PEOPLE[4]) == [code] * 3


def test_a_single_payment_takes_number_or_code(open_desk):
    village = Village(open_desk("neimenggu"))
    desk = village.desk
    code = registered(desk, GIVER)
    plan, _ = aid_plan(village, code, 2)

    def record(who: Person, payer: str) -> Ended:
        return desk.inside(
            "entry", "record", "--pool", desk.code, "--account", desk.account(who), "--kind", "social_aid", "--amount",
            "120.00", "--on", "2025-11-03", "--payer", payer, "--actor", "窗口",
        )  # fmt: skip

    assert [record(*said).code for said in ((PEOPLE[0], GIVER.number), (PEOPLE[1], code.lower()))] == [0, 0]
    assert received(village, plan) == (240, 240, 0)
    unknown = record(PEOPLE[2], STRANGER.number)
    assert (unknown.code, "资助人" in unknown.err, STRANGER.number in unknown.err) == (64, True, False)
    wrong = record(PEOPLE[2], STRANGER.number[:-1] + "0")
    assert (wrong.code, STRANGER.number[:-1] in wrong.err) == (64, False)
    nothing_wrong(desk)


def test_a_number_that_passes_as_a_credit_code_stays_somebody_s(village):
    number = citizen_that_passes_as_code()
    desk = village.desk
    file = desk.payments([aid(village, PEOPLE[5], "B1", number, "1.00")], "both.csv")
    assert desk.import_("payments", file, inside=True).code == 0
    assert payers_of(desk, PEOPLE[5]) == [""]


def test_a_person_gives_aid_and_pays_no_collective_subsidy(village, open_desk):
    desk = village.desk
    code = registered(desk, OTHER)
    for said in (
        village.draft(payer=code, code=1),
        desk.inside("payer", "confirm", "--pool", desk.code, "--code", code, "--tax-number", "1", "--social-code", "2",
                    "--on", "2025-01-20", *HANDS),
    ):  # fmt: skip
        assert "PAYER_KIND" in said.err
    ningxia = Village(open_desk("ningxia"))
    elsewhere = registered(ningxia.desk, OTHER)
    assert "KIND" in ningxia.draft("--aid", payer=elsewhere, code=1).err


def test_what_a_plan_says_for_ever_does_not_name_its_donor(village):
    desk = village.desk
    code = registered(desk, OTHER)
    source = ("--source", f"{OTHER.name}捐款=100000")
    ended = village.draft("--aid", "--sequence", 7, *source, payer=code, code=1)
    assert ("ROW_FAULT" in ended.err, OTHER.name in ended.err) == (True, False)
    plan = village.plan("--aid", "--sequence", 7, payer=code)
    assert "ROW_FAULT" in desk.inside(
        "aid", "close", "--pool", desk.code, "--plan", plan, "--reason", f"{OTHER.name}撤回", *HANDS
    ).err  # fmt: skip
    by_themselves = ("--actor", OTHER.name, "--reviewer", "乙")
    desk.prepare("aid", "close", "--pool", desk.code, "--plan", plan, "--reason", "撤回", *by_themselves)


def test_forms_name_the_donor(open_desk):
    village = Village(open_desk("neimenggu"))
    desk = village.desk
    code = registered(desk, GIVER)
    plan, roster = aid_plan(village, code, 2)

    def printed(form: str) -> str:
        path = desk.folder / f"{form}-{len(list(desk.folder.iterdir()))}.xlsx"
        desk.prepare("aid", "form", "--pool", desk.code, "--plan", plan, "--form", form, "--out", path)
        return str(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())

    declaration, notice = printed("declaration_form"), printed("payment_notice")
    assert f"资助人（签章）：{GIVER.name}" in declaration
    assert "单位名称（盖公章）：'" in declaration
    assert [word in notice for word in (f"{GIVER.name}：", code, "资助人编号", "你申报的")] == [True] * 4
    assert [word in notice for word in ("你单位", "信用代码", "纳税人识别号", GIVER.number)] == [False] * 4
    close(village, plan)
    desk.prepare(*erasing(desk, code))
    assert f"{ERASED}：" in printed("payment_notice")
    assert roster


# -- erasure and secrecy ----------------------------------------------------------------------------------------------


def test_an_erasure_is_refused_while_the_donor_gives(open_desk):
    village = Village(open_desk("neimenggu"))
    desk = village.desk
    code = registered(desk, GIVER)
    plan, _ = aid_plan(village, code, 2)
    held = desk.payments([aid(village, PEOPLE[3], "X1", GIVER.number, "3000.01")], "held.csv")
    for words, said in (
        (erasing(desk, code), "NOT_CLOSED"),
        (erasing(desk, code, reason=f"{GIVER.name}申请"), "ROW_FAULT"),
        (erasing(desk, code, hands=("--actor", "甲", "--reviewer", "甲")), "SAME_PERSON"),
        (erasing(desk, PAYER), "PAYER_KIND"),
        (erasing(desk, "PERSON-AAAAAAAAAAAAAAAA"), "PAYER_UNKNOWN"),
    ):
        ended = desk.inside(*words)
        assert (ended.code, said in ended.err) == (1, True), ended
    assert desk.import_("payments", held, inside=True).code == 2
    close(village, plan)
    assert "NOT_CLOSED" in desk.inside(*erasing(desk, code)).err  # nobody has the money yet
    back = desk.payments([aid(village, PEOPLE[3], "X1", GIVER.number, "3000.01", 数据类型="撤销")], "back.csv")
    desk.import_("payments", back, inside=True)
    assert desk.inside(*erasing(desk, code, "--dry-run")).code == 0
    assert listed(desk, code)["name"] == "欧***"
    assert desk.inside(*erasing(desk, code)).code == 0
    nothing_wrong(desk)


def test_nobody_stands_in_the_clear_before_an_erasure_and_nothing_of_them_after_it(open_desk):
    village = Village(open_desk("neimenggu"))
    desk, paper = village.desk, "资助申请77号"  # said nowhere else on this server: a command's digest is not a pool's
    same = ("--command-id", "0192f0a1-7c1e-7f00-8a4d-93c2b1a0f5e6")
    ended = [
        desk.ledger(*registering(desk, GIVER, *same, document=paper)),
        desk.ledger(*registering(desk, RENAMED, document=paper)),
    ]
    (code,) = CODE.findall(ended[0].out)
    plan, _ = aid_plan(village, code, 2)
    file = desk.payments([aid(village, one, f"D{place}", GIVER.number) for place, one in enumerate(PEOPLE[:2])])
    ended += [desk.import_("payments", file), desk.ledger("payer", "list", "--pool", desk.code, "--json")]
    ended += [
        desk.ledger("aid", "show", "--pool", desk.code, "--plan", plan),
        desk.ledger("aid", "events", "--pool", desk.code, "--plan", plan),
    ]
    desk.results(file)
    clear = [*plain(GIVER), *plain(RENAMED)]
    keyed = [value.hex() for value in sealed(desk, code)]
    assert len(keyed) == 7
    dumped = tables(desk)
    assert [word for word in clear if word in dumped or word.encode().hex() in dumped] == []
    assert [word in dumped for word in (*keyed, code)] == [True] * 8
    close(village, plan)
    ended.append(desk.ledger(*erasing(desk, code)))
    assert [one.code for one in ended] == [0] * len(ended), ended
    assert not [word for one in ended for word in clear if word in one.out + one.err]
    dumped = tables(desk)
    assert [word for word in (*clear, *keyed) if word in dumped] == []
    assert code in dumped
    with desk.log.connections.connection() as connection:
        assert tables_that_say(connection, {*clear, *keyed}) == set()
    assert listed(desk, code)["name"] == ERASED
    nothing_wrong(desk)
    assert "COMMAND_ID" in desk.inside(*registering(desk, GIVER, *same, document=paper)).err
    assert "PAYER_UNKNOWN" in village.draft("--aid", "--sequence", 5, payer=code, code=1).err
    again = registered(desk, GIVER)
    assert again != code  # nothing leads from the number to what was given before
    assert payers_of(desk, PEOPLE[0]) == [code]
    nothing_wrong(desk)


def plain(who: Person) -> tuple[str, str, str]:
    return who.name, who.number, who.number[:6] + who.number[8:17]


def sealed(desk: Desk, code: str) -> list[bytes]:
    """All that is kept of a donor under the key, and what their registering commands are known by."""
    (kept,) = desk.query("SELECT digest, wrapped_key, sealed_number FROM {person_donor} WHERE code = %s", code)
    names = desk.query("SELECT sealed_name FROM {person_donor_name} WHERE code = %s", code)
    commands = desk.query(
        "SELECT input_hash FROM {command} WHERE command_id ="
        " ANY (SELECT unnest(commands) FROM {person_donor} WHERE code = %s)", code,
    )  # fmt: skip
    return [bytes(value) for row in (kept, *names, *commands) for value in row]


def tables(desk: Desk) -> str:
    """The pool's tables as a dump writes them."""
    target = Path(desk.folder) / f"dump{len(list(desk.folder.iterdir()))}"
    desk.prepare("database", "dump", target)
    told = subprocess.run([str(bin_dir() / "pg_restore"), "-f", "-", str(target)], capture_output=True, check=True)
    return told.stdout.decode()


def test_an_erased_participant_is_erased_as_donor_too(open_desk):
    village = Village(open_desk("neimenggu"), (*PEOPLE, GIVER))
    desk = village.desk
    code = registered(desk, RENAMED)
    plan, _ = aid_plan(village, code, 2)
    desk.set("rate", YEAR - 1, "0.02")
    desk.prepare(
        "account", "close", "--pool", desk.code, "--account", desk.account(GIVER), "--on", "2025-06-01", "--reason",
        "死亡", *HANDS,
    )  # fmt: skip

    def erase(reason: str = "继承人申请") -> Ended:
        return desk.inside(
            "participant", "erase", "--pool", desk.code, "--citizen", GIVER.number, "--reason", reason, *HANDS
        )

    assert f"方案{plan}" in erase().err
    close(village, plan)
    assert "ROW_FAULT" in erase(f"{RENAMED.name}之子申请").err  # the name as donor is a name, too
    assert erase().code == 0
    assert desk.query("SELECT digest, wrapped_key, sealed_number FROM {person_donor}") == [(None, None, None)]
    assert listed(desk, code)["name"] == ERASED
    assert registered(desk, GIVER) != code
    nothing_wrong(desk)


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE {person_donor} SET digest = sealed_number", "查询摘要"),
        ("UPDATE {person_donor} SET sealed_number = wrapped_key", "无法打开"),
        ("UPDATE {person_donor} SET digest = NULL, wrapped_key = NULL, sealed_number = NULL", "没有删除"),
        ("UPDATE {payer} SET document = '另一文号' WHERE kind = 'person'", "姓名记录已被改动"),
        ("DELETE FROM {person_donor_name}", "缺少版本"),
        ("DELETE FROM {person_donor}", "身份登记中没有"),
    ],
)
def test_verify_finds_a_donor_who_was_changed(open_desk, tampering, said):
    desk = open_desk("neimenggu")
    registered(desk, GIVER)
    assert list(RegisterProof(desk.register).faults()) == []
    with desk.log.connections.connection() as connection:
        assert connection.execute(desk.log.sql(tampering)).rowcount == 1
    assert said in next(RegisterProof(desk.register).faults()).text


def test_verify_finds_what_an_erasure_left(open_desk):
    desk = open_desk("neimenggu")
    code = registered(desk, GIVER, "--command-id", "0192f0a1-7c1e-7f00-8a4d-93c2b1a0f5e7")
    desk.prepare(*erasing(desk, code))
    assert list(RegisterProof(desk.register).faults()) == []
    for left in (
        "UPDATE {person_donor_name} SET sealed_name = 'x'",
        "UPDATE {command} SET input_hash = 'x' WHERE command_id = '0192f0a1-7c1e-7f00-8a4d-93c2b1a0f5e7'",
    ):
        with desk.log.connections.connection() as connection:
            assert connection.execute(desk.log.sql(left)).rowcount == 1
    assert [one.table for one in RegisterProof(desk.register).faults()] == ["person_donor", "command"]
