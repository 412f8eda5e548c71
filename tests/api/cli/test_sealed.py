"""Nobody stands in the clear: not in a dump, not in any file of the home, not in a result; and no second key."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from ledger.store.connections import Connections
from ledger.store.keys import KEY_FILE
from ledger.store.register_proof import RegisterProof
from ledger.store.server import EmbeddedServer, Layout, bin_dir
from tests.api.cli.desk import RECORDED, THERE, Desk, Person, person

HANDS = ("--actor", "经办甲", "--reviewer", "复核乙")
ANNA, BELA, STRANGER = person(501, "欧阳封印"), person(502, "司徒密存"), person(503, "令狐无名")
RENAMED = ANNA._replace(name="欧阳更名")
WRONG = ANNA.number[:-1] + ("0" if ANNA.number[-1] != "0" else "1")
CODE = "649900"


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A home of its own in which everything has happened through the installed command; its server has stopped."""
    home = Path(tempfile.mkdtemp(prefix="pl-sealed-", dir="/tmp"))
    home.chmod(0o755)
    folder = tmp_path_factory.mktemp("sealed")
    try:
        with EmbeddedServer(home) as server, Connections(server.url) as connections:
            desk = Desk(home, connections, folder, CODE)
            said = [*happenings(desk), *keys(desk, server.url)]
        stopped(home)
        yield home, folder, said
    finally:
        stopped(home)
        shutil.rmtree(home)


def stopped(home):
    """Wait until the server has written everything out and ended."""
    deadline = time.monotonic() + 60
    while (Layout(home).cluster / "postmaster.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def happenings(desk):
    """The life of two people, with every way in which a name or a number can come along."""
    people = desk.table(
        "people.csv",
        [
            desk.enrolment(ANNA),
            desk.enrolment(BELA),
            desk.enrolment(STRANGER, 性别="?"),
            desk.enrolment(ANNA, 公民身份号码=WRONG),
        ],
        list(desk.enrolment(ANNA)),
        "gb18030",
    )
    first, second = desk.payment(ANNA, "K1"), desk.payment(BELA, "K2", on="2023-06-01")
    paid = desk.payments(
        [
            first,
            second,
            desk.payment(STRANGER, "K3"),
            {**first, "姓名": BELA.name},
            {**first, "公民身份号码": WRONG},
            {**first, "公民身份号码": ANNA.name, "姓名": ANNA.number},
            {**first, "征收品目": ANNA.name, "缴费明细流水号": "K4"},
            {**first, "费款所属期": ANNA.number, "缴费明细流水号": "K5"},
            {**first, "入库日期": ANNA.number, "缴费明细流水号": "K6"},
            {**first, "实缴金额（元）": ANNA.number, "缴费明细流水号": "K7"},
            {**first, "来源单位": STRANGER.name, "缴费明细流水号": "K8"},
            {**second, "数据类型": "撤销"},
            {**first, "拨付文号": ANNA.name, "缴费明细流水号": "K12"},
            {**first, "补贴级次": f"省级{ANNA.number}", "缴费明细流水号": "K13"},
            {**first, "应收核定编号": ANNA.number, "缴费明细流水号": "K14"},
            {**first, "公民身份号码": WRONG, "电子税票号码": WRONG, "缴费明细流水号": "K15"},
            {**first, "公民身份号码": WRONG, "拨付文号": f"拨{WRONG}号", "缴费明细流水号": "K16"},
            {**first, "公民身份号码": WRONG, "来源单位": STRANGER.name, "缴费明细流水号": "K17"},
            {**first, "公民身份号码": WRONG, "社保经办机构编号": ANNA.name, "缴费明细流水号": "K18"},
        ]
    )
    yield "people", desk.import_("participants", people), 2
    assert desk.outcomes(people) == [RECORDED, RECORDED, "IDENTITY_FAULT", "IDENTITY_FAULT"]
    yield "paid", desk.import_("payments", paid), 2
    assert [one for one in desk.outcomes(paid) if one == RECORDED] == [RECORDED] * 4  # K1, K2, K8 and 撤销
    desk.set("rate", 2023, "0.02")
    desk.credit(2023)

    rename = ("participant", "rename", "--citizen", ANNA.number, "--document", "公安证明1号")
    alone = desk.ledger(*rename, "--name", RENAMED.name, "--actor", "甲", "--reviewer", "甲")
    yield "rename alone", alone, 1
    assert "SAME_PERSON" in alone.err
    who, before = desk.state(ANNA).participant, desk.log.position()[1]
    yield "rename", desk.ledger(*rename, "--name", RENAMED.name, *HANDS), 0
    assert desk.register.versions([who], before) == {who: 1}
    assert [desk.register.open(who, version).name for version in (1, 2)] == [ANNA.name, RENAMED.name]
    assert desk.history(ANNA)[-1].document == "公安证明1号"
    assert list(RegisterProof(desk.register).faults()) == []
    position = desk.position()
    yield "paid again", desk.import_("payments", paid), 2
    assert [one for one in desk.outcomes(paid) if one == THERE][:2] == [THERE] * 2  # recorded under the name of then
    assert desk.position() == position
    after = desk.payments([desk.payment(ANNA, "K9"), desk.payment(RENAMED, "K10")], "after.csv")
    yield "after", desk.import_("payments", after), 2
    assert desk.outcomes(after) == ["NAME_DIFFERS", RECORDED]
    dumped = desk.ledger("database", "dump", desk.folder / "dump")
    yield "dump", dumped, 0
    assert (desk.folder / "dump").stat().st_mode & 0o077 == 0


def keys(desk, url):
    """The same database under another key, or under none."""
    file = desk.payments([desk.payment(RENAMED, "K11")], "keys.csv")
    command = ("import", "payments", file, "--pool", CODE, "--actor", "甲")
    before, other, bare = desk.position(), "ab" * 32, desk.folder / "bare"
    bare.mkdir()
    kept = (desk.home / KEY_FILE).read_text().strip()
    away = {"DATABASE_URL": url, "PENSION_LEDGER_HOME": str(bare)}
    for name, env, word in (
        ("file and environment differ", {"PENSION_LEDGER_KEY": other}, "不一致"),
        ("no key", away, "PENSION_LEDGER_KEY"),
        ("another key", {**away, "PENSION_LEDGER_KEY": other}, "不符"),
        ("no key at all", {**away, "PENSION_LEDGER_KEY": "secret"}, "64位"),
    ):
        ended = desk.ledger(*command, env=env)
        yield name, ended, 1
        assert ended.out == ""
        assert word in ended.err
        assert other not in ended.err
        assert not list(bare.iterdir())
        assert not file.with_name("keys.csv.result.csv").exists()
    assert desk.position() == before
    shown = desk.ledger("rules", "show", "--pool", CODE, "--json", env=away)
    yield "rules need no key", shown, 0
    assert not list(bare.iterdir())
    yield "the right key", desk.ledger(*command, env={**away, "PENSION_LEDGER_KEY": kept.upper()}), 0
    assert desk.position() == before + 2  # money of a credited year: the entry and what it earned


def needles():
    """Every form in which somebody could stand there."""
    people: list[Person] = [ANNA, BELA, STRANGER, RENAMED]
    for one in people:
        for text in (one.name, one.number, one.number[:6] + one.number[8:17]):
            for encoding in ("utf-8", "gb18030", "utf-16-le"):
                yield text.encode(encoding)
    yield WRONG.encode()


def test_every_command_ended_as_it_should(lived):
    _, _, said = lived
    for name, ended, code in said:
        assert ended.code == code, (name, ended)
        for needle in needles():
            assert needle not in (ended.out + ended.err).encode(), name


def test_no_file_of_the_home_names_anybody(lived):
    home, _, _ = lived
    wanted = set(needles())
    looked = places = 0
    for path in home.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            looked += len(held)
            places += "青县".encode() in held
            found = [needle for needle in wanted if needle in held]
            assert not found, (path, found)
    assert looked > 16_000_000
    assert places >= 2  # a place is no secret: table and write-ahead log hold it, so a name would have been found
    assert (home / KEY_FILE).stat().st_mode & 0o077 == 0
    assert not (Layout(home).database / KEY_FILE).exists()


def test_neither_dump_nor_result_names_anybody(lived):
    home, folder, _ = lived
    told = subprocess.run(
        [str(bin_dir() / "pg_restore"), "-f", "-", str(folder / "dump")], capture_output=True, check=True
    ).stdout
    assert b"ledger_events" in told
    assert "青县".encode() in told
    key = (home / KEY_FILE).read_text().strip()
    assert key.encode() not in told
    results = [path.read_bytes() for path in folder.glob("*.result.csv")]
    assert len(results) == 4
    for held in (told, (folder / "dump").read_bytes(), *results):
        assert not [needle for needle in needles() if needle in held]
