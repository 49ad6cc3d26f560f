"""Privacy: every planted identifier found by its form and check digit, none left in what an analysis sees; small
cells hidden so that no total gives them back; the erased stay erased."""

from __future__ import annotations

import io
import pickle
import random
import struct
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.connecting import LocalFile
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.privacy import (
    DETECTORS,
    PrivacySpec,
    Secret,
    clear_rows,
    find_customer,
    owner_list,
    protect_rows,
    pseudonymise,
    read_without,
    scan,
    suppress,
)
from analytics.privacy.detectors import luhn, valid
from analytics.privacy.scan import find
from analytics.privacy.suppression import hide
from analytics.reading import ReadSpec, read

SECRET = Secret(b"s" * 32)
N = 200


def resident_id(rng: random.Random, *, right: bool = True) -> str:
    born = f"{rng.randint(1950, 2005)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    body = f"{rng.choice(('110101', '310104', '440305'))}{born}{rng.randint(0, 999):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, table of weights
    check = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
    return body + (check if right else ("1" if check != "1" else "2"))


def taiwan_id(rng: random.Random, *, right: bool = True) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
    letter, body = rng.choice(letters), f"{rng.randint(1, 2)}{rng.randint(0, 9_999_999):07d}"
    code = 10 + letters.index(letter)
    total = code // 10 + code % 10 * 9 + sum(int(d) * w for d, w in zip(body, range(8, 0, -1), strict=True))
    check = (10 - total % 10) % 10
    return f"{letter}{body}{check if right else (check + 1) % 10}"


def card(rng: random.Random, *, right: bool = True) -> str:
    body = "4" + "".join(str(rng.randint(0, 9)) for _ in range(14))
    doubled = [int(d) * 2 if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body))]
    check = -sum(d - 9 if d > 9 else d for d in doubled) % 10
    return body + str(check if right else (check + 1) % 10)


def phone(rng: random.Random) -> str:
    d = "".join(str(rng.randint(0, 9)) for _ in range(8))
    return rng.choice(
        [
            f"138{d}",
            f"+86 139 {d[:4]} {d[4:]}",
            f"010-{d}",
            f"0912-{d[:3]}-{d[3:6]}",
            f"+886-912-{d[:6]}",
            f"(02) 2{d[:3]}-{d[3:7]}",
            f"+852 9{d[:3]} {d[3:7]}",
            f"(212) 555-{d[:4]}",
            f"+1 415-555-{d[:4]}",
        ]
    )


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "email": lambda rng: f"u{rng.randint(0, 99999)}.x@mail{rng.randint(0, 9)}.example.com",
    "resident_id": resident_id,
    "taiwan_id": taiwan_id,
    "bank_card": card,
    "phone": phone,
    "address": lambda rng: rng.choice(
        [
            f"台北市大安區忠孝東路四段{rng.randint(1, 99)}號",
            f"上海市南京西路{rng.randint(1, 999)}号",
            f"{rng.randint(1, 99)} Baker Street",
        ]
    ),
    "name": lambda rng: "我叫" + rng.choice("王李張陳林") + rng.choice("小大志美家") + rng.choice("明華玲偉"),
}
TEXTS = ("Please call back: {}, thanks", "麻煩回覆 {} 謝謝", "{}", "order 12345 was late ({})")


@pytest.mark.parametrize("kind", list(MAKERS))
def test_every_planted_identifier_is_found_alone_and_inside_text(kind: str) -> None:
    rng = random.Random(7)
    planted = [TEXTS[i % len(TEXTS)].format(MAKERS[kind](rng)) for i in range(N)]
    quiet = [f"The parcel number {i} came late, {i % 7} days" for i in range(N)]
    found = scan({"feedback": pl.DataFrame({"text": planted + quiet})}).columns
    row = found.filter(pl.col("detector") == kind).row(0, named=True)
    assert (row["n_cells"], row["n_found"], row["share"]) == (2 * N, N, 0.5)
    assert row["treatment"] in {"scrub", "pseudonym"}


@pytest.mark.parametrize(
    ("kind", "maker"), [("resident_id", resident_id), ("taiwan_id", taiwan_id), ("bank_card", card)]
)
def test_a_wrong_check_digit_is_no_identifier_and_hides_none(kind: str, maker: Callable[..., str]) -> None:
    rng = random.Random(3)
    wrong = [maker(rng, right=False) for _ in range(N)]
    both = [f"{maker(rng, right=False)} and {maker(rng)}" for _ in range(N)]
    found = scan({"feedback": pl.DataFrame({"text": wrong + both})}).columns.filter(pl.col("detector") == kind)
    assert found["n_found"].to_list() == [N]


def test_published_examples_of_the_check_digits() -> None:
    # GB 11643-1999's own example, Taiwan's specimen card, the Luhn test number of ISO/IEC 7812.
    frame = pl.DataFrame({"r": ["11010519491231002X"], "t": ["A123456789"], "l": ["79927398713"]})
    checks = {"r": valid(pl.col("r"), "resident_id"), "t": valid(pl.col("t"), "taiwan_id"), "l": luhn(pl.col("l"))}
    assert frame.select(**checks).row(0) == (True, True, True)


def test_headings_speak_and_known_columns_are_not_taken_for_names() -> None:
    customers = pl.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(40)],
            "city": ["高雄", "金门", "江门", "黄山"] * 10,
            "称呼": ["王小明", "李大华", "張美玲", "陳志偉"] * 5 + ["林家豪", "黄丽", "周杰", "吴京"] * 5,
            "手机": ["55512345"] * 40,
            "shipping address": [f"Somewhere {i}" for i in range(40)],
        }
    )
    found = {row[0]: row[1] for row in scan({"customers": customers}).columns.select("column", "detector").rows()}
    assert found == {"称呼": "name", "手机": "phone", "shipping address": "address"}


def test_examples_are_masked() -> None:
    rng = random.Random(1)
    values = [MAKERS[kind](rng) for kind in MAKERS]
    shown = scan({"feedback": pl.DataFrame({"text": values * 2})}).columns["examples"].explode().to_list()
    assert len(shown) >= len(DETECTORS)
    assert not any(value in shown for value in values)
    assert all(example.count("•") >= 1 for example in shown)


def test_online_retail_is_not_accused(shared_data: Callable[[str], Path]) -> None:
    frame = pl.read_parquet(shared_data("online_retail") / "derived_online_retail.parquet")
    found = scan({"transactions": frame.with_columns(pl.col(pl.String))}).columns
    assert frame.height > 500_000
    assert found.filter(pl.col("share") > 0.01).is_empty()
    # And each detector by itself, before headings and meanings of columns have their say.
    for name in (name for name, dtype in frame.schema.items() if dtype == pl.String):
        counted = frame[name].drop_nulls().value_counts(name="n").rename({name: "text"})
        for detector in DETECTORS:
            hits = counted.join(find(counted["text"], detector, whole=False), on="text")
            n_found, n_cells = int(hits["n"].sum() or 0), int(counted["n"].sum())
            print(f"{detector.name} in {name}: {n_found} of {n_cells} cells ({n_found / n_cells:.4%})")
            assert n_found <= 0.01 * n_cells


def people() -> Dataset:
    rng = random.Random(11)
    ids = [f"C{i:03d}" for i in range(30)]
    names = [rng.choice("王李張陳林") + rng.choice("小大志美家") + rng.choice("明華玲偉") for _ in ids]
    customers = pl.DataFrame(
        {
            "customer_id": ids,
            "city": ["台北", "香港", "Leeds"] * 10,
            "name": names,
            "email": [MAKERS["email"](rng) for _ in ids],
            "phone": [phone(rng) for _ in ids],
            "住址": [MAKERS["address"](rng) for _ in ids],
            "id card": [resident_id(rng) for _ in ids],
        }
    )
    lines = pl.DataFrame(
        {"customer_id": ids * 2, "ordered_at": [datetime(2025, 1, 1 + i % 28) for i in range(60)], "amount": range(60)}
    )
    texts = [
        f"{name} here, card {card(rng)} or {email}" for name, email in customers.select("name", "email").iter_rows()
    ]
    feedback = pl.DataFrame({"customer_id": ids, "text": texts})
    tables = {"customers": customers, "transactions": lines, "feedback": feedback}
    return Dataset.build(tables, as_of=date(2025, 2, 1))


def raw_values(dataset: Dataset) -> set[str]:
    own = dataset.tables["customers"].select("name", "email", "phone", "住址", "id card")
    return {value for column in own.iter_columns() for value in column}


def everything(dataset: Dataset) -> str:
    return "\n".join(frame.write_csv() for frame in dataset.tables.values())


@pytest.mark.parametrize("identifiers", ["pseudonym", "drop"])
def test_no_identifier_reaches_an_analysis(identifiers: str) -> None:
    data, spec = people(), PrivacySpec(identifiers=identifiers)
    safe = pseudonymise(data, scan(data.tables, spec), spec, SECRET)
    text = everything(safe)
    assert [value for value in raw_values(data) if value in text] == []
    assert ("P-" in text) == (identifiers == "pseudonym")
    assert "[name] here, card [bank_card] or [email]" in text
    assert "C000" in text, "an id that says nothing about a person stays"
    assert safe.tables["transactions"].equals(data.tables["transactions"])


def test_pseudonyms_are_keyed_equal_for_equal_values_and_the_key_is_comparable() -> None:
    data, spec = people(), PrivacySpec(pseudonymise_ids=True)
    found = scan(data.tables, spec)
    one, again, other = (pseudonymise(data, found, spec, secret) for secret in (SECRET, SECRET, Secret(b"o" * 32)))
    ids = one.tables["customers"]["customer_id"]
    assert ids.str.contains("^P-[0-9a-f]{16}$").all()
    assert ids.n_unique() == 30
    assert set(ids) == set(one.tables["transactions"]["customer_id"])
    assert everything(one) == everything(again) != everything(other)
    assert one.key == again.key == other.key != data.key, "digests are those before pseudonyms"
    assert not set(ids) & set(other.tables["customers"]["customer_id"])


def test_ids_that_are_personal_are_always_replaced() -> None:
    lines = pl.DataFrame({"customer_id": [f"a{i}@example.com" for i in range(9)], "amount": range(9)})
    data = Dataset.build({"transactions": lines}, as_of=date(2025, 1, 1))
    found = scan(data.tables)
    assert found.ids_are_personal
    assert [caveat.code for caveat in found.caveats] == ["privacy_ids_personal"]
    safe = pseudonymise(data, found, PrivacySpec(), SECRET)
    assert "@" not in everything(safe)
    assert owner_list(data, safe, SECRET)["original_id"].to_list() != []
    back = owner_list(data, safe, SECRET)
    assert set(back["customer_id"]) == set(safe.tables["transactions"]["customer_id"])
    assert set(back["original_id"]) == set(lines["customer_id"])


def test_data_without_identifiers_are_the_same_object() -> None:
    data = Dataset.build({"transactions": pl.DataFrame({"customer_id": ["1"], "amount": [3]})}, as_of=date(2025, 1, 1))
    assert pseudonymise(data, scan(data.tables), PrivacySpec(), SECRET) is data


def test_rows_set_aside_hold_no_identifier() -> None:
    frame = people().tables["customers"].rename({"customer_id": "會員", "email": "Contact"})
    safe = protect_rows(frame, ("Contact",), ("會員",), PrivacySpec(pseudonymise_ids=True), SECRET)
    assert [value for value in raw_values(people()) if value in safe.write_csv()] == []
    assert set(safe["會員"]) == {f"P-{SECRET.sign('customer_id', f'C{i:03d}')[:16]}" for i in range(30)}


def test_a_secret_does_not_show_itself() -> None:
    assert "ssss" not in repr(SECRET)
    assert b"ssss" not in SECRET.key.encode()
    assert pickle.loads(pickle.dumps(SECRET)) == SECRET


def test_a_customer_is_found_by_id_pseudonym_or_any_of_their_records() -> None:
    data = people()
    (digest,) = find_customer(data, " C003 ", SECRET)
    assert "C003" not in digest
    assert find_customer(data, f"P-{SECRET.sign('customer_id', 'C003')[:16]}", SECRET) == (digest,)
    # C003 and C777 are one person: whichever is asked for, both leave.
    records = pl.DataFrame({"person": ["C003", "C003", "C004"], "merged_from": ["C003", "C777", "C778"]})
    both = find_customer(data, "C777", SECRET, records)
    assert digest in both
    assert len(both) == 2
    assert both == find_customer(data, "C003", SECRET, records)
    with pytest.raises(AnalysisError, match="customer_not_found"):
        find_customer(data, "nobody", SECRET)


def test_the_rows_of_the_erased_are_emptied_as_they_are_read(tmp_path: Path) -> None:
    lines = ["顧客,product,n", "7,Tea,1", " 7.0,Pot,2", "12,Tea,7", "7,Cup,12", "8,7,7"]
    data = "\n".join(lines).encode()
    spec, secret = ReadSpec(), SECRET
    erased = (secret.sign("erase", "7"),)
    whole = read(data, "a.csv", spec)
    cleared = read_without(data, "a.csv", spec, str(tmp_path), ("顧客",), "", erased, secret)
    assert cleared.rows["row_number"].to_list() == [1, 2, 4]
    assert cleared.table.n_rows == whole.n_rows == 5
    # The figure 7 in other columns is nobody's number.
    assert cleared.table.frame.drop_nulls().rows() == [whole.frame.row(2), whole.frame.row(4)]
    assert cleared.table.frame[[0, 1, 3]].null_count().sum_horizontal().item() == 9
    assert cleared.table.key != whole.key
    nobody = clear_rows(whole, ("顧客",), "", (), secret)
    assert nobody.table is whole
    assert nobody.rows.height == 0


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Int64])
def test_nothing_of_the_erased_lies_behind_a_column(dtype: type[pl.DataType]) -> None:
    ids = ["9876543210123456789", "1234567890123456789"] if dtype != pl.Int64 else [987654321012345678, 5]
    stream = io.BytesIO()
    pl.DataFrame({"customer_id": ids, "n": [1, 2]}, schema_overrides={"customer_id": dtype}).write_parquet(stream)
    table = read(stream.getvalue(), "a.parquet", ReadSpec())
    written = str(ids[0]).encode() if dtype != pl.Int64 else struct.pack("<q", ids[0])
    assert written in pickle.dumps(table.frame)
    cleared = clear_rows(table, (), "", (SECRET.sign("erase", str(ids[0])),), SECRET)
    assert cleared.rows.height == 1
    assert written not in pickle.dumps(cleared)


def test_a_streamed_file_leaves_no_copy_of_the_erased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.connecting.streaming.STREAMED_BYTES", 10)
    (tmp_path / "frames").mkdir()
    stored = tmp_path / "stored.csv"
    stored.write_text("customer_id,product,n\n7,Tea,1\n12,Pot,2\n")
    file = LocalFile(str(stored), "0" * 64, stored.stat().st_size)
    erased, into = (SECRET.sign("erase", "7"),), str(tmp_path / "frames")
    kept = read_without(file, "a.csv", ReadSpec(), into, (), "", (), SECRET)
    assert kept.table.n_rows == 2
    assert len(list((tmp_path / "frames").iterdir())) == 1, "a file of this size is streamed to a frame on disk"
    cleared = read_without(file, "a.csv", ReadSpec(), into, ("customer_id",), "", erased, SECRET)
    assert cleared.table.frame.drop_nulls()["product"].to_list() == ["Pot"]
    assert len(list((tmp_path / "frames").iterdir())) == 1


def test_k_has_a_range() -> None:
    with pytest.raises(AnalysisError, match="privacy_k_range"):
        PrivacySpec(k=1)


# ---- small cells -----------------------------------------------------------------------------------------------


def test_by_hand_one_row() -> None:
    frame = pl.DataFrame({"tier": ["a", "b", "c", "d"], "n": [4, 12, 50, 0], "revenue": [1.0, 2.0, 3.0, 0.0]})
    safe = suppress(frame, ("tier",), "n", 10)
    assert safe.frame["n"].to_list() == [None, None, 50, 0]
    assert safe.frame["revenue"].to_list() == [None, None, 3.0, 0.0]
    assert (safe.n_cells, safe.n_small, safe.n_beside, safe.n_hidden_customers) == (4, 1, 1, 16.0)
    assert suppress(frame.filter(pl.col("n") != 4), ("tier",), "n", 10).n_hidden == 0


def test_a_table_of_fewer_than_k_is_hidden_whole() -> None:
    frame = pl.DataFrame({"tier": ["a", "b"], "n": [4, 5]})
    assert suppress(frame, ("tier",), "n", 10).frame["n"].to_list() == [None, None]


def other_value_exists(cell: tuple[int, int], table: dict[tuple[int, int], int], hidden: set[tuple[int, int]]) -> bool:
    """Oracle: any whole numbers in the hidden cells that give every row and column total, by search."""
    cells = sorted(hidden)
    rows = {i: sum(v for c, v in table.items() if c[0] == i and c in hidden) for i, _ in cells}
    columns = {j: sum(v for c, v in table.items() if c[1] == j and c in hidden) for _, j in cells}

    def fill(at: int, left_rows: dict[int, int], left_columns: dict[int, int]) -> bool:
        if at == len(cells):
            return not any(left_rows.values()) and not any(left_columns.values())
        i, j = cells[at]
        for value in range(min(left_rows[i], left_columns[j]) + 1):
            if cells[at] == cell and value == table[cell]:
                continue
            less = {**left_rows, i: left_rows[i] - value}, {**left_columns, j: left_columns[j] - value}
            if fill(at + 1, *less):
                return True
        return False

    return fill(0, rows, columns)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=2, max_size=3), st.integers(3, 6))
def test_no_hidden_cell_can_be_computed_from_the_totals(values: list[list[int]], k: int) -> None:
    table = {(i + 1, j + 1): value for i, row in enumerate(values) for j, value in enumerate(row)}
    hidden = hide(table, k)
    assert {cell for cell, value in table.items() if 0 < value < k} <= hidden
    for cell in hidden:
        # Where the totals alone fix a count, no hiding could help.
        if table[cell] and not other_value_exists(cell, table, hidden):
            assert not other_value_exists(cell, table, set(table)), (values, cell, hidden)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=8), st.integers(3, 10))
def test_one_row_of_cells_is_safe_against_its_total(values: list[int], k: int) -> None:
    frame = pl.DataFrame({"group": range(len(values)), "n": values})
    shown = suppress(frame, ("group",), "n", k).frame["n"]
    gone = [value for value, kept in zip(values, shown, strict=True) if kept is None]
    assert all(kept is None or kept == 0 or kept >= k for kept in shown)
    if sum(values) >= k and gone:
        assert len(gone) >= 2
        assert sum(gone) >= k
    assert [
        value for value, kept in zip(values, shown, strict=True) if kept is not None
    ] == shown.drop_nulls().to_list()
