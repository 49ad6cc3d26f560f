"""One file out and in: equal figures on the other side, nobody's data by accident, and hostile files refused."""

from __future__ import annotations

import dataclasses
import io
import json
import random
import stat
import struct
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analytics.customers import summarise_customers
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.export.tables import in_currency_units
from analytics.integration import CurrencySpec, MatchSpec, settle_currency
from analytics.keys import digest_bytes
from analytics.lifecycle import LifecycleSpec
from analytics.mapping import MappingSpec, apply_mapping, suggest_mapping
from analytics.population import observe
from analytics.privacy import PrivacySpec, Secret, pseudonymise, scan_dataset
from analytics.quality import QualitySpec, validate
from analytics.quality.recipe import Step
from analytics.reading import archive, read
from analytics.segmentation import SegmentationSpec, segment
from analytics.workspace import RememberedMapping, SourceRef, Workspace, to_json
from store import exchange
from store.exchange import ABOUT, CHOICES, About, Imported, export_workspace, import_workspace

ROOT = Path(__file__).parents[2]
SECRET = Secret(b"1" * 32)
WHEN = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SIX = pl.DataFrame(
    {
        "customer_id": ["1", "1", "2", "3", None, "4"],
        "order_id": ["a", "a", "b", "C-c", "d", "e"],
        "ordered_at": [datetime(2026, 1, day, 12) for day in (1, 1, 2, 3, 4, 5)],
        "quantity": [1, 1, 2, -1, 1, 3],
        "quantity_exact": [0.5, 1.0, 1.25, -1.0, 1.0, 2.75],
        "amount": [10.05, 10.05, 7.1, -10.05, 0.0, 99.99],
        "kind": ["sale", "sale", "sale", "cancellation", "service", "sale"],
    }
)
OWN = Workspace(
    name="Autumn",
    language="zh_TW",
    world="",
    sources=(SourceRef("secret-orders.csv", "ab" * 32, mapping=MappingSpec("transactions", (("編號", "order_id"),))),),
    remembered=(RememberedMapping("cd" * 32, name="secret-old.csv"),),
    quality=QualitySpec(
        steps=(Step("replace", field="city", where="one_of", of="city", values=("Tpe",), to="Taipei"),)
    ),
    lifecycle=LifecycleSpec(lapsed_after_days=90),
    customer="0912-345-678",
)


def refused(code: str, data: bytes) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        import_workspace(data)
    assert caught.value.code == code
    return caught.value


def packed(entries: dict[str, bytes], **how: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **how) as file:
        for name, data in entries.items():
            file.writestr(zipfile.ZipInfo(name), data, how.get("compression", zipfile.ZIP_STORED))
    return buffer.getvalue()


def entries_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def with_data(**changes: Any) -> bytes:
    asked = {"tables": {"transactions": SIX}, "currency": "GBP", "as_of": date(2026, 1, 6), "written_at": WHEN}
    return export_workspace(OWN, **{**asked, **changes})


# ---- there and back ----------------------------------------------------------------------------------------------


def test_choices_alone_there_and_back() -> None:
    workspace = dataclasses.replace(OWN, customer="")
    data = export_workspace(OWN, app_version="1.2", written_at=WHEN)
    assert sorted(entries_of(data)) == [ABOUT, CHOICES]
    found = import_workspace(data)
    assert found == Imported(
        dataclasses.replace(workspace, name=""), "Autumn", (), (), About(1, "1.2", WHEN, "Autumn", (), False, "", None)
    )
    assert b"0912" not in data


def test_equal_work_gives_equal_bytes() -> None:
    assert with_data() == with_data()
    assert with_data() != with_data(currency="TWD")


def test_choices_in_a_json_file_are_taken_as_well() -> None:
    found = import_workspace(to_json(OWN))
    assert found.name == "Autumn"
    assert found.workspace == dataclasses.replace(OWN, name="", customer="")
    refused("work_unreadable", b"hello")
    refused("work_unreadable", b"")


def test_what_a_file_with_data_says_by_hand() -> None:
    data = with_data(pseudonymised=True, app_version="1.2")
    told = json.loads(entries_of(data)[ABOUT])
    assert told == {
        "format": 1,
        "app_version": "1.2",
        "written_at": "2026-05-04T09:30:00Z",
        "name": "Autumn",
        "tables": ["transactions"],
        "pseudonymised": True,
        "currency": "GBP",
        "as_of": "2026-01-06",
    }
    for private in ("secret", "編號", "ab" * 32, "cd" * 32, "Taipei", "0912"):
        assert private.encode() not in b"".join(entries_of(data).values()), private
    found = import_workspace(data)
    ((name, parquet),) = found.files
    (source,) = found.workspace.sources
    assert (name, source.name, source.digest) == ("transactions.parquet", "transactions.parquet", digest_bytes(parquet))
    mapped = apply_mapping(read(parquet, name), source.mapping)
    assert mapped.money_digits == 2
    assert mapped.frame["amount"].to_list() == [1005, 1005, 710, -1005, 0, 9999]
    assert mapped.frame["quantity_exact"].to_list() == SIX["quantity_exact"].to_list()
    assert found.workspace.lifecycle.lapsed_after_days == 90
    assert found.workspace.quality.currency == "GBP"
    valid = validate((mapped,), found.workspace.quality)
    assert valid.dataset.as_of == date(2026, 1, 6)
    assert valid.dataset.currency == "GBP"
    assert valid.dataset.tables["transactions"].height == 6
    assert not valid.quarantine.height


def test_names_e_mails_and_phones_never_leave_even_as_pseudonyms() -> None:
    people = pl.DataFrame(
        {"customer_id": ["1"], "name": ["P-1"], "email": ["P-2"], "phone": ["P-3"], "city": ["Taipei"]}
    )
    found = import_workspace(export_workspace(OWN, tables={"customers": people}))
    frame = pl.read_parquet(io.BytesIO(found.files[0][1]))
    assert frame.columns == ["customer_id", "city"]


def test_a_table_that_is_none_or_empty_is_left_out() -> None:
    found = import_workspace(with_data(tables={"transactions": SIX.head(0), "gossip": SIX, "customers": SIX}))
    assert found.about.tables == ("customers",)
    assert import_workspace(with_data(tables={})).about == About(1, "", WHEN, "Autumn")


def walk(
    files: list[tuple[str, bytes]], specs: list[MappingSpec | None], workspace: Workspace, *, named_by_table: bool
) -> Dataset:
    """From bytes to the protected Dataset that every page starts from."""
    mapped = []
    for (name, data), spec in zip(files, specs, strict=True):
        raw = read(data, name)
        table = Path(name).stem if named_by_table else ""
        mapped.append(apply_mapping(raw, spec or suggest_mapping(raw, table or None).spec))
    dataset = settle_currency(validate(mapped, workspace.quality).dataset, workspace.currencies).dataset
    return pseudonymise(dataset, scan_dataset(dataset, workspace.privacy), workspace.privacy, SECRET)


@pytest.mark.parametrize(
    ("world", "pseudonyms"),
    [
        ("streaming", False),
        ("marketplace_dirty", True),
        pytest.param("marketplace", True, marks=pytest.mark.slow),
    ],
)
def test_every_figure_is_the_same_on_the_other_side(world: str, pseudonyms: bool) -> None:
    """Also those of a world that needed repairs: rows set aside, duplicates, cancellations told by their numbers.

    The whole marketplace, its browsing included (slow): every cell of seven tables, 1.9 MB.
    """
    paths = [
        path
        for path in sorted((ROOT / "sample_data" / world).iterdir())
        if path.stem != "events" or world == "marketplace"
    ]
    quality, privacy = QualitySpec(currency="TWD"), PrivacySpec(pseudonymise_ids=pseudonyms)
    here = Workspace(world="", quality=quality, privacy=privacy, matching=MatchSpec(automatic=True))
    files = [(path.name, path.read_bytes()) for path in paths if path.suffix in {".csv", ".parquet"}]
    first = walk(files, [None] * len(files), here, named_by_table=not world.endswith("_dirty"))

    data = export_workspace(
        here,
        tables=in_currency_units(first),
        currency=first.currency,
        as_of=first.as_of,
        pseudonymised=pseudonyms,
    )
    there = import_workspace(data)
    assert there.workspace.matching == MatchSpec()
    assert there.workspace.currencies == CurrencySpec()
    by_digest = {digest_bytes(held): (name, held) for name, held in there.files}
    sources = there.workspace.sources
    again = walk(
        [by_digest[source.digest] for source in sources],
        [source.mapping for source in sources],
        there.workspace,
        named_by_table=False,
    )

    assert (again.as_of, again.currency, again.money_digits) == (first.as_of, "TWD", first.money_digits)
    assert set(again.tables) == set(first.tables)
    for name, frame in first.tables.items():
        left = frame.drop("name", "email", "phone", strict=False)
        assert again.tables[name].select(left.columns).sort(left.columns).equals(left.sort(left.columns)), name
    customers = [summarise_customers(observe(dataset, here.population, here.definitions)) for dataset in (first, again)]
    assert customers[0].frame.equals(customers[1].frame)
    cuts = [segment(held, SegmentationSpec(method="rfm")) for held in customers]
    assert cuts[0].labels.frame.equals(cuts[1].labels.frame)


# ---- hostile files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../choices.json",
        "/choices.json",
        "data/../choices.json",
        "C:\\choices.json",
        "data\\transactions.parquet",
        "data/",
        "data/gossip.parquet",
        "data/transactions.parquet/x",
        "Choices.json",
        "data/inner.zip",
        "__MACOSX/choices.json",
        "x" * 5000,
        "choices.json\u202e",
    ],
)
def test_an_entry_that_has_no_place_is_refused(name: str) -> None:
    error = refused("exchange_unsafe", packed({CHOICES: to_json(OWN), name: b"x"}))
    assert len(str(error.params["name"])) <= 60


def test_an_entry_that_is_there_twice_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(CHOICES, to_json(OWN))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr(CHOICES, to_json(Workspace()))
    refused("exchange_unsafe", buffer.getvalue())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_device_is_refused(kind: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        entry = zipfile.ZipInfo(CHOICES)
        entry.external_attr = (kind | 0o777) << 16
        file.writestr(entry, b"/etc/passwd")
    refused("exchange_unsafe", buffer.getvalue())


def test_a_table_that_is_another_archive_is_refused() -> None:
    inner = packed({CHOICES: b"{}"})
    for odd in (inner, b"\x1f\x8b\x08\x00", b"a,b\n1,2\n", b"PAR1", b""):
        files = {CHOICES: to_json(OWN), "data/transactions.parquet": odd}
        if odd == b"PAR1":  # begins and ends like one; reading says what it is
            assert import_workspace(packed(files)).files == ()
        else:
            refused("exchange_unsafe", packed(files))


def test_what_unpacks_to_far_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packed({CHOICES: b" " * 5_000_000}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10_000
    assert refused("exchange_too_large", bomb).params["limit"] == 4.0
    about = packed({CHOICES: to_json(OWN), ABOUT: b" " * 30_000}, compression=zipfile.ZIP_DEFLATED)
    assert refused("exchange_too_large", about).params["limit"] == 0.02
    monkeypatch.setattr(exchange, "RATIO_FREE", 1_000_000)
    table = packed(
        {CHOICES: to_json(OWN), "data/customers.parquet": b"\0" * 3_000_000}, compression=zipfile.ZIP_DEFLATED
    )
    refused("exchange_too_large", table)
    many = packed({f"data/{i}": b"" for i in range(archive.ENTRY_LIMIT + 1)})
    refused("exchange_too_large", many)


def test_a_size_that_is_a_lie_unpacks_to_no_more_than_it_says() -> None:
    whole = packed({CHOICES: b" " * 3_000_000 + to_json(OWN)}, compression=zipfile.ZIP_DEFLATED)
    true = struct.pack("<L", len(b" " * 3_000_000 + to_json(OWN)))
    assert whole.count(true) == 2
    refused("exchange_unreadable", whole.replace(true, struct.pack("<L", 100)))


def test_a_broken_or_locked_file_is_refused() -> None:
    data = with_data()
    refused("exchange_unreadable", data[: len(data) // 2])
    refused("exchange_unreadable", b"PK\x03\x04" + b"\0" * 100)
    refused("exchange_unreadable", packed({ABOUT: b"{}"}))
    for about in (b"[]", b"{", b'{"format": "x"}', b'{"currency": "<b>"}', b'{"name": "' + b"n" * 2000 + b'"}'):
        refused("exchange_unreadable", packed({CHOICES: to_json(OWN), ABOUT: about}))
    refused("link_newer", packed({CHOICES: to_json(OWN), ABOUT: b'{"format": 2}'}))
    refused("link_newer", packed({CHOICES: b'{"version": 9, "choices": {}}'}))
    refused("work_unreadable", packed({CHOICES: b'{"choices": 3}'}))
    locked = bytearray(packed({CHOICES: to_json(OWN)}))
    locked[6] |= 1  # the flag in the entry's own header, then in the directory
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    refused("exchange_protected", bytes(locked))
    stored = bytearray(packed({CHOICES: to_json(OWN)}))
    stored[stored.index(b"Autumn")] ^= 1  # its checksum does not fit any more
    refused("exchange_unreadable", bytes(stored))


def test_stale_choices_in_a_file_are_named_and_the_others_hold() -> None:
    body = json.loads(to_json(OWN))
    body["choices"]["horoscope"] = 1
    found = import_workspace(packed({CHOICES: json.dumps(body).encode()}))
    assert found.refused == ("horoscope",)
    assert found.workspace.lifecycle.lapsed_after_days == 90


def test_a_stranger_s_name_is_a_name_or_none() -> None:
    for name, called in (("  a\n b ", "a b"), ("a\u202eb", ""), ("n" * 201, "")):
        about = json.dumps({"name": name}).encode()
        body = to_json(dataclasses.replace(OWN, name=""))
        assert import_workspace(packed({CHOICES: body, ABOUT: about})).name == called


def test_files_that_no_source_means_are_left_out() -> None:
    entries = entries_of(with_data())
    other = entries_of(with_data(tables={"customers": SIX.head(3)}))
    both = packed({**entries, "data/customers.parquet": other["data/customers.parquet"]})
    assert [name for name, _data in import_workspace(both).files] == ["transactions.parquet"]
    world = packed({**entries, CHOICES: to_json(Workspace(name="x"))})
    assert import_workspace(world).files == ()


def test_noise_is_refused_and_never_breaks() -> None:
    whole = with_data()
    generator = random.Random(7)
    for _ in range(300):
        noisy = bytearray(whole)
        for _ in range(generator.randint(1, 8)):
            noisy[generator.randrange(len(noisy))] = generator.randrange(256)
        if generator.random() < 0.3:
            noisy = noisy[: generator.randrange(len(noisy))]
        try:
            import_workspace(bytes(noisy))
        except AnalysisError as error:
            assert error.code in {  # noqa: PT017  # either end is allowed, an error only with these codes
                "exchange_unreadable",
                "exchange_unsafe",
                "exchange_too_large",
                "exchange_protected",
                "work_unreadable",
                "link_newer",
            }
