"""Writes the sample files of the demo: three pools, sixteen villages, three years of payments with their dirt.

Everything is made up, and the files are a function of ``SEED`` alone. Only ``Random.random()`` is drawn, because it is
the one method whose sequence Python promises to keep; zip entries of the .xlsx are stored, not deflated, because
compressors differ between machines.

    python -m samples.generate            writes beside this file
"""

import csv
import datetime
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from samples.dirt import Dirt
from samples.payments import PoolBook, Row
from samples.people import AID, COLLECTIVE, GOVERNMENT, OWN, SUBSIDISED, VILLAGES, Draw, Person, people
from samples.tax_month import write_tax_month

SEED = 20240726
POOL_NAMES = {"640100": "银川", "640400": "固原", "640500": "中卫"}
RATES = {
    "640100": {2023: "0.0262", 2024: "0.0246", 2025: "0.0150"},
    "640400": {2023: "0.0262", 2024: "0.0246", 2025: "0.0150"},
    # Other rates in one pool, so that a pool read with its neighbour's rate is seen.
    "640500": {2023: "0.0270", 2024: "0.0251", 2025: "0.0165"},
}
CAPS = {2024: "3000.00", 2025: "3000.00"}  # none for 2023: aid of that year is refused with NO_CAP

# The columns of a payment file, by the year of the file: the tax side changed the order and the header's spelling.
SERIAL, VOUCHER, NUMBER, NAME, PERIOD = "缴费明细流水号", "电子税票号码", "公民身份号码", "姓名", "费款所属期"
ITEM, KIND, AMOUNT, REMITTED, TREASURY = "征收品目", "缴费类型", "实缴金额", "上解日期", "入库日期"
DATA, BATCH, SOURCE, LEVEL, DOCUMENT = "数据类型", "传输批次号", "来源单位", "补贴级次", "拨付文号"
COLUMNS = {
    "2023": (
        SERIAL, VOUCHER, NUMBER, NAME, PERIOD, ITEM, KIND, AMOUNT + "(元)", REMITTED, TREASURY, DATA, BATCH, SOURCE,
        LEVEL, DOCUMENT,
    ),
    "2024": (
        BATCH, DATA, SERIAL, VOUCHER, NAME, NUMBER, PERIOD, ITEM, KIND, AMOUNT + "（元）", REMITTED, TREASURY, LEVEL,
        DOCUMENT, SOURCE,
    ),
    "2025": (
        NUMBER, NAME, SERIAL, DATA, ITEM, KIND, PERIOD, AMOUNT, VOUCHER, TREASURY, REMITTED, SOURCE, LEVEL, DOCUMENT,
        BATCH,
    ),
    "late": (
        SERIAL, DATA, NUMBER, NAME, ITEM, KIND, PERIOD, AMOUNT + "(元)", TREASURY, REMITTED, VOUCHER, BATCH, SOURCE,
        LEVEL, DOCUMENT,
    ),
}  # fmt: skip
DATE_STYLE: dict[str, Callable[[datetime.date], str]] = {
    "2023": lambda day: day.isoformat(),
    "2024": lambda day: f"{day.year}/{day.month}/{day.day}",
    "2025": lambda day: day.strftime("%Y%m%d"),
    "late": lambda day: day.isoformat(),
}


ENCODING = {"640100": "utf-8", "640400": "utf-8-sig", "640500": "gb18030"}
LINE_END = {"640100": "\n", "640400": "\n", "640500": "\r\n"}
PARTICIPANT_COLUMNS = ["姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期", "联系方式备注"]


def table_bytes(rows: Iterable[Sequence[str]], pool: str) -> bytes:
    """A CSV as the pool's office saves it."""
    text = io.StringIO()
    csv.writer(text, lineterminator=LINE_END[pool]).writerows(rows)
    return text.getvalue().encode(ENCODING[pool])


def workbook_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook of one sheet in which every cell is text."""
    body = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="参保人员" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.create_system = 3
            archive.writestr(entry, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + text)
    return out.getvalue()


def participant_rows(draw: Draw, pool: str, members: Sequence[Person]) -> list[list[str]]:
    """The rows of the participants' file with their header; one column more than intake asks for."""
    style = DATE_STYLE[{"640100": "2023", "640400": "2024", "640500": "2025"}[pool]]
    rows = [PARTICIPANT_COLUMNS]
    for person in members:
        note = draw.of(("示例备注", "村组代办", "")) if draw.chance(0.1) else ""
        rows.append([person.name, person.number, person.sex, *person.village[1:], style(person.enrolled), note])
    return rows


def opening_rows(members: Sequence[Person]) -> list[list[str]]:
    """The rows of the balances taken over, in yuan, with their header."""
    kinds = [OWN, GOVERNMENT, COLLECTIVE, AID, SUBSIDISED, "利息"]
    opened = [person for person in members if person.opening]
    rows = [[p.number, *(f"{p.opening[k] // 100}.{p.opening[k] % 100:02d}" for k in kinds)] for p in opened]
    return [["公民身份号码", *kinds], *rows]


def payment_rows(name: str, rows: Sequence[Row]) -> list[list[str]]:
    """The rows of a payment file as its year writes them, with their header."""
    style = DATE_STYLE[name]
    table = [list(COLUMNS[name])]
    for row in rows:
        amount = row.amount.removesuffix(".00") if name == "2024" else row.amount
        days = [day if isinstance(day, str) else style(day) for day in (row.remitted, row.treasury)]
        cells = {
            SERIAL: row.serial, VOUCHER: row.voucher, NUMBER: row.number, NAME: row.name, PERIOD: row.period,
            ITEM: row.item, KIND: row.kind, AMOUNT: amount, REMITTED: days[0], TREASURY: days[1], DATA: row.data,
            BATCH: row.batch, SOURCE: row.source, LEVEL: row.level, DOCUMENT: row.document,
        }  # fmt: skip
        table.append([cells[column.split("(")[0].split("（")[0]] for column in COLUMNS[name]])
    return table


def rates() -> dict[str, dict[str, object]]:
    """The example rates and caps an operator enters, with example document numbers."""
    return {
        pool: {
            "name": POOL_NAMES[pool],
            "region": "ningxia",
            "rates": {
                str(year): {"rate": rate, "document": f"示例文号〔{year + 1}〕记账利率{pool}号"}
                for year, rate in RATES[pool].items()
            },
            "caps": {
                str(year): {"cap": cap, "document": f"示例文号〔{year}〕最高档次{pool}号"} for year, cap in CAPS.items()
            },
        }
        for pool in VILLAGES
    }


def generate(target: Path) -> None:
    """Writes every sample file under ``target``."""
    draw, taken = Draw(SEED), set[str]()
    intended = [["pool", "file", "line", "outcome", "reason", "what"]]
    for pool in VILLAGES:
        folder = target / pool
        folder.mkdir(parents=True, exist_ok=True)
        members = people(draw, pool, taken)
        book = PoolBook(draw, pool, members)
        book.fill()
        if pool == "640100":
            Dirt(book).soil_large()
        else:
            Dirt(book).soil_small()
        table = participant_rows(draw, pool, members)
        if pool == "640400":
            (folder / "participants.xlsx").write_bytes(workbook_bytes(table))
        else:
            (folder / "participants.csv").write_bytes(table_bytes(table, pool))
        (folder / "openings.csv").write_bytes(table_bytes(opening_rows(members), pool))
        for name, rows in book.files.items():
            lines = payment_rows(name, rows)
            # An office that prints a title above its table: the header is then the second line.
            title = [["中卫市城乡居民基本养老保险缴费明细（示例）"]] if (pool, name) == ("640500", "2025") else []
            (folder / f"payments-{name}.csv").write_bytes(table_bytes(title + lines, pool))
            for line, row in enumerate(rows, start=2 + len(title)):
                if row.what:
                    intended.append([pool, f"payments-{name}.csv", str(line), row.outcome, row.reason, row.what])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(intended)
    (target / "intended.csv").write_bytes(text.getvalue().encode())
    (target / "rates.json").write_bytes((json.dumps(rates(), ensure_ascii=False, indent=1) + "\n").encode())
    write_tax_month(target)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
