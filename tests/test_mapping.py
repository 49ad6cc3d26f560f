"""Source columns to canonical fields: dates and money exactly, headings in three scripts."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.errors import AnalysisError
from analytics.mapping import (
    CONFIDENT,
    PROPOSED,
    MappedTable,
    MappingSpec,
    apply_mapping,
    carried,
    header_signature,
    suggest_mapping,
)
from analytics.mapping.dates import read_dates
from analytics.mapping.distinct import distinct
from analytics.mapping.names import normal
from analytics.mapping.numbers import read_numbers, to_minor_units
from analytics.reading import read

ROOT = Path(__file__).parent.parent


def mapped(text: str, *columns: tuple[str, str], table: str = "transactions", **choices: object) -> MappedTable:
    return apply_mapping(read(text.encode(), "a.csv"), MappingSpec(table, columns, **choices))


# --- dates


@pytest.mark.parametrize(
    ("written", "format", "expected"),
    [
        (["2010-12-01 08:26:00", "2011-01-02 00:00:00"], "ymd", [(2010, 12, 1, 8, 26), (2011, 1, 2)]),
        (["2024-3-5", "2024/12/31"], "ymd", [(2024, 3, 5), (2024, 12, 31)]),
        (["12/1/2010 8:26", "12/13/2010 18:05"], "mdy", [(2010, 12, 1, 8, 26), (2010, 12, 13, 18, 5)]),
        (["03/01/19", "25/12/19"], "dmy", [(2019, 1, 3), (2019, 12, 25)]),
        (["5.3.2024", "31.12.2024"], "dmy", [(2024, 3, 5), (2024, 12, 31)]),
        (["2024年3月5日", "2024年12月31日"], "ymd", [(2024, 3, 5), (2024, 12, 31)]),
        (["民國113年3月5日", "民國112年12月31日"], "roc", [(2024, 3, 5), (2023, 12, 31)]),
        (["113/03/05", "98/12/31"], "roc", [(2024, 3, 5), (2009, 12, 31)]),
        (["44927", "44928.5"], "serial", [(2023, 1, 1), (2023, 1, 2, 12)]),
        (["20240305", "20241231"], "compact", [(2024, 3, 5), (2024, 12, 31)]),
        (["1130305"], "compact", [(2024, 3, 5)]),
        (["1709596800"], "epoch", [(2024, 3, 5)]),
        (["1709596800000"], "epoch", [(2024, 3, 5)]),
        (["Mar 5, 2024", "December 31, 2023"], "month_name", [(2024, 3, 5), (2023, 12, 31)]),
        (["5-Mar-24", "31 Dec 2023"], "month_name", [(2024, 3, 5), (2023, 12, 31)]),
        (["2024/3/5 下午 03:20", "2024/3/5 上午 12:05"], "ymd", [(2024, 3, 5, 15, 20), (2024, 3, 5, 0, 5)]),
        (["3/25/2024 1:05 PM"], "mdy", [(2024, 3, 25, 13, 5)]),
        (["2024-03-05T08:26:00Z", "2024-03-05T08:26:00+08:00"], "ymd", [(2024, 3, 5, 8, 26)] * 2),
        (["2024-03", "2024/12"], "month", [(2024, 3, 1), (2024, 12, 1)]),
    ],
)
def test_dates_as_people_write_them(written: list[str], format: str, expected: list[tuple[int, ...]]) -> None:
    reading = read_dates(pl.Series(written))
    assert reading.values.to_list() == [datetime(*parts) for parts in expected]
    assert (reading.format, reading.n_other, reading.assumed) == (format, 0, False)
    assert reading.reasons.null_count() == len(written)


def test_no_day_above_twelve_is_an_assumption_that_says_so() -> None:
    reading = read_dates(pl.Series(["1/2/2010", "3/4/2010"]))
    assert reading.assumed
    assert read_dates(pl.Series(["1/2/2010"]), day_first=False).values[0] == datetime(2010, 1, 2)
    assert not read_dates(pl.Series(["1/2/2010"]), day_first=False).assumed
    table = mapped("at,x\n1/2/2010,1\n3/4/2010,2\n", ("at", "ordered_at"))
    assert [caveat.code for caveat in table.caveats] == ["date_order_assumed_day"]


def test_a_second_format_is_read_only_where_it_is_clear() -> None:
    clear = read_dates(pl.Series(["2024-03-01", "2024-03-02", "2024-03-03", "05/03/2024", "25/03/2024"]))
    assert clear.values.to_list()[3:] == [datetime(2024, 3, 5), datetime(2024, 3, 25)]
    assert (clear.format, clear.other_format, clear.n_other) == ("ymd", "dmy", 2)
    unclear = read_dates(pl.Series(["2024-03-01", "2024-03-02", "05/03/2024"]))
    assert unclear.reasons.to_list() == [None, None, "date_order_unclear"]


def test_both_orders_in_one_column_follow_the_commoner_and_are_counted() -> None:
    reading = read_dates(pl.Series(["25/03/2024", "26/03/2024", "03/27/2024", "01/02/2024", "05/05/2024"]))
    assert reading.values.to_list()[2:] == [datetime(2024, 3, 27), datetime(2024, 2, 1), datetime(2024, 5, 5)]
    assert (reading.format, reading.n_other, reading.n_mixed) == ("dmy", 1, 1)


def test_days_that_do_not_exist_are_told_from_no_days() -> None:
    reading = read_dates(
        pl.Series(["2024-02-30", "2023-02-29", "2024-02-29", "soon", "2024-13-01", "2024-03-05 25:00"])
    )
    assert reading.values.to_list() == [None, None, datetime(2024, 2, 29), None, None, None]
    assert reading.reasons.to_list() == [
        "impossible_date",
        "impossible_date",
        None,
        "not_a_date",
        "impossible_date",
        "impossible_date",
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S", "%Y%m%d%H%M%S"]),
)
def test_dates_agree_with_the_standard_library(moments: list[datetime], form: str) -> None:
    whole = [moment.replace(microsecond=0) for moment in moments]
    assert read_dates(pl.Series([moment.strftime(form) for moment in whole])).values.to_list() == whole


# --- numbers


@pytest.mark.parametrize(
    ("written", "digits", "minor"),
    [
        (["2.55", "0.001"], 3, [2550, 1]),
        (["1.234,56", "12,5"], 2, [123456, 1250]),
        (["1,234.56", "3"], 2, [123456, 300]),
        (["￥1,234", "￥2,000.50"], 2, [123400, 200050]),
        (["NT$1,200", "30"], 0, [1200, 30]),
        (["(1,234.56)", "5-", "−7"], 2, [-123456, -500, -700]),
        (["1.234.567,8", "0,5"], 2, [123456780, 50]),
        (["1 234,50", "1'234,50"], 2, [123450, 123450]),
        (["１２", "３．５"], 2, [1200, 350]),
        (["12.00"], 2, [1200]),
        (["957.5775"], 4, [9575775]),
        (["0.30000000000000004", "2.55"], 2, [30, 255]),
        (["1e5", "2.5"], 2, [10000000, 250]),
        (["3件", "4 pcs"], 0, [3, 4]),
    ],
)
def test_amounts_as_people_write_them(written: list[str], digits: int, minor: list[int]) -> None:
    reading = read_numbers(pl.Series(written))
    assert reading.digits == digits
    assert to_minor_units(reading.exact, digits).to_list() == minor
    assert reading.reasons.null_count() == len(written)


def test_the_decimal_mark_is_settled_by_the_column_or_by_a_person() -> None:
    alone = read_numbers(pl.Series(["1.234", "2.345"]))
    assert (alone.exact.to_list(), alone.assumed) == (["1.234", "2.345"], True)
    assert read_numbers(pl.Series(["1.234", "2,5"])).exact.to_list() == ["1234", "2.5"]
    assert read_numbers(pl.Series(["1.234", "2.345"]), ",").exact.to_list() == ["1234", "2345"]
    assert read_numbers(pl.Series(["1,234", "2,345"])).exact.to_list() == ["1234", "2345"]


def test_dates_and_addresses_are_no_numbers() -> None:
    reading = read_numbers(pl.Series(["01.02.2024", "192.168.0.1", "1,2,3", "1.2.", "12,34,567", "5."]))
    assert reading.exact.to_list() == [None, None, None, None, "1234567", "5."]
    suggestion = suggest_mapping(
        read("日期;销售额\n01.02.2024;1.234,50\n13.02.2024;99,00\n".encode("gb18030"), "a.csv")
    )
    assert suggestion.spec == MappingSpec("series", (("日期", "ds"), ("销售额", "y")))


def test_text_and_other_currencies_are_set_aside_with_a_reason() -> None:
    reading = read_numbers(pl.Series(["£12", "£3.50", "€7", "free", "12 or 13"]))
    assert reading.exact.to_list() == ["12", "3.50", None, None, None]
    assert reading.reasons.to_list() == [None, None, "other_currency", "not_a_number", "not_a_number"]
    assert reading.currency == "GBP"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=20))
def test_money_is_exact(values: list[Decimal]) -> None:
    reading = read_numbers(pl.Series([f"{value:,}" for value in values]))
    minor = reading.cells.spread(to_minor_units(reading.exact, 2))
    assert minor.to_list() == [int(value * 100) for value in values]


# --- whole tables


def test_a_table_by_hand() -> None:
    table = mapped(
        "no,who,when,what,n,each\n"
        "A1,17850.0,12/1/2010 8:26,Tea,6,2.55\n"
        "A1,,12/13/2010 8:26,NULL,two,0.001\n"
        "A2,guest,12/31/2010,Pot,3.0,\n",
        ("no", "order_id"),
        ("who", "customer_id"),
        ("when", "ordered_at"),
        ("what", "product"),
        ("n", "quantity"),
        ("each", "unit_price"),
    )
    assert table.frame.rows() == [
        (1, "17850", "A1", datetime(2010, 12, 1, 8, 26), "Tea", 6, 2550),
        (2, None, "A1", datetime(2010, 12, 13, 8, 26), None, None, 1),
        (3, None, "A2", datetime(2010, 12, 31), "Pot", 3, None),
    ]
    assert table.frame.columns == [
        "row_number",
        "customer_id",
        "order_id",
        "ordered_at",
        "product",
        "quantity",
        "unit_price",
    ]
    assert table.unparsed.rows() == [(2, "quantity", "two", "not_a_number")]
    assert table.money_digits == 3


def test_leading_zeros_of_ids_stay() -> None:
    table = mapped("who,x\n00017,1\n18,2\n", ("who", "customer_id"))
    assert table.frame["customer_id"].to_list() == ["00017", "18"]


def test_quantities_sold_by_weight_count_as_items_and_keep_their_weight() -> None:
    table = mapped("n,each\n0.75,4.00\n2,1.00\n-1.5,2.00\n", ("n", "quantity"), ("each", "unit_price"))
    assert table.frame["quantity"].to_list() == [1, 2, -2]
    assert table.frame["quantity_exact"].to_list() == [0.75, 2.0, -1.5]
    assert [caveat.code for caveat in table.caveats] == ["quantity_fractional"]


def test_attributes_keep_their_names_and_get_types() -> None:
    table = mapped(
        "ID,Gender,Income (k$),Zip,Since when,age\n1,F,15,00123,2024-03-05,a\n2,M,,10001,2024-03-06,b\n",
        ("ID", "customer_id"),
        ("Gender", "gender"),
        table="customers",
    )
    assert table.attributes == ("Income (k$)", "Zip", "Since when", "age_2")
    assert table.frame.schema["Income (k$)"] == pl.Int64
    assert table.frame["Zip"].to_list() == ["00123", "10001"]
    assert table.frame.schema["Since when"] == pl.Date
    without = mapped("ID,x\n1,2\n", ("ID", "customer_id"), table="customers", keep_attributes=False)
    assert without.attributes == ()


def test_flags_in_three_scripts() -> None:
    written = ["Y", "no", "是", "否", "已解決", "未解决", "1", "0", "maybe"]
    text = "\n".join(["ok,x", *(f"{word},1" for word in written)])
    table = mapped(text, ("ok", "resolved"), table="contacts")
    assert table.frame["resolved"].to_list() == [True, False, True, False, True, False, True, False, None]
    assert table.unparsed.rows() == [(9, "resolved", "maybe", "not_yes_or_no")]


def test_shares_ratings_durations_and_birthdays() -> None:
    shares = mapped("d,x\n15%,1\n20%,2\n", ("d", "discount_share"))
    assert shares.frame["discount_share"].to_list() == [0.15, 0.2]
    rating = mapped("r,x\n★★★★,1\n5 stars,2\n3星,3\n", ("r", "rating"), table="feedback")
    assert rating.frame["rating"].to_list() == [4.0, 5.0, 3.0]
    wait = mapped("w,x\n0:03:20,1\n45,2\n", ("w", "wait_s"), table="contacts")
    assert wait.frame["wait_s"].to_list() == [200.0, 45.0]
    born = mapped("b,x\n1990-05-01,1\n1985-01-31,2\n", ("b", "birth_year"), table="customers")
    assert born.frame["birth_year"].to_list() == [1990, 1985]


def test_specs_and_tables_refuse_what_cannot_be() -> None:
    for columns, code in (
        ((("a", "amount"), ("b", "amount")), "field_mapped_twice"),
        ((("a", "nonsense"),), "field_unknown"),
    ):
        with pytest.raises(AnalysisError) as caught:
            MappingSpec("transactions", columns)
        assert caught.value.code == code
    with pytest.raises(AnalysisError) as caught:
        MappingSpec("nonsense")
    assert caught.value.code == "table_unknown"
    with pytest.raises(AnalysisError) as caught:
        mapped("a,b\n1,2\n", ("z", "amount"))
    assert caught.value.code == "column_missing"
    with pytest.raises(AnalysisError) as caught:
        mapped("a,b\n1,2\n")
    assert caught.value.code == "nothing_mapped"


def test_spec_and_table_cross_borders() -> None:
    spec = MappingSpec("transactions", (("a", "amount"),), day_first=True, decimal_mark=",")
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), MappingSpec, strict=True) == spec
    table = mapped("a,b\n1,2\n", ("a", "amount"))
    assert pickle.loads(pickle.dumps(table)).frame.equals(table.frame)


# --- suggestions


def test_headings_have_one_normal_form() -> None:
    assert normal("InvoiceNo") == "invoice no"
    assert normal("單價 (NT$)") == "单价"
    assert normal("３．客戶編號") == "客户编号"
    assert normal("Customer_ID#") == "customer id no"


@pytest.mark.parametrize(
    ("headings", "row", "table", "expected"),
    [
        (
            "訂單編號,會員編號,下單日期,商品名稱,數量,單價,實付金額,付款方式,通路",
            "A001,M01,2024-03-05,綠茶,2,35,70,信用卡,門市",
            "transactions",
            "order_id customer_id ordered_at product quantity unit_price amount payment_method channel",
        ),
        (
            "订单号,买家会员名,订单付款时间,宝贝标题,宝贝总数量,买家实际支付金额,收货城市",
            "2001,li,2024-03-05 10:00:00,绿茶,2,70.00,杭州",
            "transactions",
            "order_id customer_id ordered_at product quantity amount city",
        ),
        (
            "Receipt #,Loyalty Card,Trans Date,SKU,Item Desc.,Dept,Qty,Unit Price,Ext Price,Tender,Store",
            "881,L5,03/25/2024,S1,Green tea,Drinks,2,3.50,7.00,cash,North",
            "transactions",
            "order_id customer_id ordered_at product_id product category quantity unit_price amount payment_method "
            "channel",
        ),
        (
            "會員編號,姓名,性別,生日,居住城市,入會日期,會員等級,手機",
            "M01,王小明,男,1990-05-01,臺北市,2020-01-31,金卡,0912345678",
            "customers",
            "customer_id name gender birth_year city joined_at tier phone",
        ),
        (
            "评论时间,用户,星级,评论内容,来源",
            "2024-03-05,u1,5,很好用下次还会再买,天猫",
            "feedback",
            "written_at customer_id rating text source",
        ),
        (
            "Ticket Date,Customer Number,Contact Reason,Wait Time,Is Resolved,Agent Notes",
            "2024-03-05 10:00:00,9,delivery,30,yes,called back and solved it",
            "contacts",
            "contacted_at customer_id reason wait_s resolved text",
        ),
        ("date,value", "2024-03-05,12.5", "series", "ds y"),
    ],
)
def test_headings_of_real_systems(headings: str, row: str, table: str, expected: str) -> None:
    text = headings + "\n" + "\n".join([row] * 5) + "\n"
    suggestion = suggest_mapping(read(text.encode(), "export.csv", None))
    assert suggestion.table == table
    assert [match.field for match in suggestion.matches] == expected.split()
    assert suggestion.spec == MappingSpec(table, tuple(zip(headings.split(","), expected.split(), strict=True)))


def test_canonical_names_are_sure_and_order_of_columns_does_not_matter() -> None:
    text = "amount,customer_id,ordered_at,order_id\n1.5,a,2024-03-05,7\n2.5,b,2024-03-06,8\n"
    suggestion = suggest_mapping(read(text.encode(), "x.csv"))
    assert {match.reason for match in suggestion.matches} == {"same"}
    assert {match.confidence for match in suggestion.matches} == {1.0}
    turned = "order_id,ordered_at,customer_id,amount\n7,2024-03-05,a,1.5\n8,2024-03-06,b,2.5\n"
    other = suggest_mapping(read(turned.encode(), "x.csv"))
    assert sorted(other.spec.columns) == sorted(suggestion.spec.columns)


def test_values_speak_against_a_heading() -> None:
    text = "Date,Customer\n" + "\n".join(f"word{i},c{i % 3}" for i in range(30))
    suggestion = suggest_mapping(read(text.encode(), "x.csv"), "transactions")
    assert "ordered_at" not in {field for _, field in suggestion.spec.columns}


def test_discounts_are_told_apart_by_their_values() -> None:
    def field(values: str) -> str | None:
        rows = "\n".join(f"{i},{v}" for i, v in enumerate(values.split()))
        return suggest_mapping(read(f"Order ID,Discount\n{rows}\n".encode(), "x.csv"), "transactions").matches[1].field

    assert field("0.2 0 0.15 0.3") == "discount_share"
    assert field("20.00 0 15.50 30") == "discount_amount"


def likeliest(heading: str, table: str, values: str) -> tuple[str | None, bool]:
    """The field that one column is proposed for, and whether that is sure."""
    rows = "\n".join(f'x{i},"{value}"' for i, value in enumerate(values.split("|")))
    suggestion = suggest_mapping(read(f"zzz,{heading}\n{rows}\n".encode(), "x.csv"), table)
    match = suggestion.matches[1]
    return (match.field, match.confidence >= CONFIDENT) if match.confidence >= PROPOSED else (None, False)


@pytest.mark.parametrize(
    ("heading", "table", "values", "field", "sure"),
    [
        ("Date Paid", "transactions", "2024-01-05|2024-01-06|2024-02-01", "ordered_at", True),
        ("Date of Joining", "customers", "2024-01-05|2024-01-06|2024-02-01", "joined_at", True),
        ("cust_nbr", "transactions", "A1|A1|A2", "customer_id", True),
        ("net_amt", "transactions", "1.50|2.50|7.25", "amount", True),
        ("商品名称 Product Name", "transactions", "茶|饼|茶", "product", True),
        ("List Price", "transactions", "1.50|2.50|7.25", "unit_price", False),
        ("Customer Email", "transactions", "a@example.com|b@example.com|c@example.com", "customer_id", False),
        ("Order Status", "transactions", "open|closed|open", None, False),
        ("退款金额", "transactions", "1.50|2.50|7.25", None, False),
        ("Contract", "customers", "Month-to-month|One year|Two year", None, False),
        ("离网日期", "customers", "2024-01-05|2024-01-06|2024-02-01", "left_at", True),
        ("Wait time (min)", "contacts", "1|2|7", "wait_s", False),
        ("Wait time (sec)", "contacts", "1|2|7", "wait_s", True),
    ],
)
def test_a_heading_is_about_its_last_word(heading: str, table: str, values: str, field: str | None, sure: bool) -> None:
    assert likeliest(heading, table, values) == (field, sure)


def test_two_columns_that_say_the_same_are_asked_and_a_sure_one_is_not_given_up_for_two_doubtful_ones() -> None:
    text = "Customer ID,Customer Email,Order Date,Purchase Date\nc1,a@example.com,2024-01-05,2024-01-06\n"
    matches = {m.column: m for m in suggest_mapping(read(text.encode(), "x.csv"), "transactions").matches}
    assert (matches["Customer ID"].field, matches["Customer ID"].confidence >= CONFIDENT) == ("customer_id", True)
    dates = [matches["Order Date"], matches["Purchase Date"]]
    assert [m.confidence >= CONFIDENT for m in dates] == [False, False]
    assert sum(m.field == "ordered_at" for m in dates) == 1


def test_the_same_headings_have_the_same_signature() -> None:
    def signature(text: str, name: str = "x.csv") -> str:
        return header_signature(read(text.encode(), name))

    november = signature("Order ID,Total,Day\n1,1.5,2024-11-02\n2,2.5,2024-11-03\n")
    assert signature("day, ORDER  ID ,Ｔotal\n2024-12-01,7,1.5\n2024-12-02,8,3.5\n", "december.csv") == november
    assert signature("Order ID,Total,Date\n1,1.5,2024-11-02\n2,2.5,2024-11-03\n") != november
    assert signature("Order ID,Total (USD),Day\n1,1.5,2024-11-02\n") != signature(
        "Order ID,Total (TWD),Day\n1,1.5,2024-11-02\n"
    ), "what stands in brackets may be the currency"
    assert len(november) == 64
    assert signature("1,1.5,2024-11-02\n2,2.5,2024-11-03\n3,4.5,2024-11-04\n") == "", "no headings, no signature"
    assert signature("a,Sum,Sum\nx,1,2\ny,3,4\n") != signature("Sum,a,Sum\n1,x,2\n3,y,4\n"), (
        "two columns of one heading are told apart by their place alone"
    )


def test_a_mapping_is_carried_to_the_same_headings_and_to_no_others() -> None:
    spec = MappingSpec("transactions", (("Order ID", "order_id"), ("Total", "amount")), day_first=True)
    assert carried(spec, ("total", "Note", "order id")) == dataclasses.replace(
        spec, columns=(("order id", "order_id"), ("total", "amount"))
    )
    assert carried(spec, ("Order ID", "Total")) is not None
    assert carried(spec, ("Order ID", "Sum")) is None
    assert carried(spec, ("order id", "ORDER ID", "Total")) is None, "two columns could be meant"
    assert carried(spec, ("order id", "Order ID", "Total")) == spec, "one of them is named exactly so"


# --- published and planted


def test_online_retail_is_recognised(shared_data: Callable[[str], Path]) -> None:
    data = (shared_data("online_retail") / "sample_days" / "2010-12-01.csv").read_bytes()
    suggestion = suggest_mapping(read(data, "2010-12-01.csv"))
    assert suggestion.spec == MappingSpec(
        "transactions",
        (
            ("InvoiceNo", "order_id"),
            ("StockCode", "product_id"),
            ("Description", "product"),
            ("Quantity", "quantity"),
            ("InvoiceDate", "ordered_at"),
            ("UnitPrice", "unit_price"),
            ("CustomerID", "customer_id"),
            ("Country", "country"),
        ),
    )
    assert min(match.confidence for match in suggestion.matches) > 0.9


def test_real_files_go_to_their_tables(shared_data: Callable[[str], Path]) -> None:
    expected = {
        "cdnow/CDNOW_master.txt": "transactions",
        "superstore/Sample - Superstore.csv": "transactions",
        "groceries_members/Groceries_dataset.csv": "transactions",
        "telco_churn/Telco-Customer-Churn.csv": "customers",
        "mall_customers/customers.csv": "customers",
        "marketing_campaign/marketing_campaign.csv": "customers",
        "hillstrom/hillstrom.csv": "campaigns",
        "flipkart_reviews_en/flipkart_reviews.csv": "feedback",
        "waimai_reviews_zh/waimai_10k.csv": "feedback",
        "prophet_examples/example_wp_log_R.csv": "series",
    }
    found = {}
    for path in expected:
        folder, _, file = path.partition("/")
        found[path] = suggest_mapping(read((shared_data(folder) / file).read_bytes(), file)).table
    assert found == expected


def test_superstore_dates_are_the_workbooks(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("superstore")
    dates = []
    for file in ("Sample - Superstore.csv", "Sample - Superstore.xls"):
        raw = read((folder / file).read_bytes(), file)
        dates.append(apply_mapping(raw, suggest_mapping(raw).spec).frame.select("order_id", "ordered_at", "amount"))
    assert dates[0].equals(dates[1])


@pytest.mark.parametrize(
    "table", ["transactions", "customers", "events", "contacts", "feedback", "survey", "campaigns"]
)
def test_the_sample_world_maps_onto_itself(table: str) -> None:
    path = ROOT / "sample_data" / "marketplace" / f"{table}.parquet"
    raw = read(path.read_bytes(), path.name)
    suggestion = suggest_mapping(raw)
    assert suggestion.table == table
    assert all(column == field for column, field in suggestion.spec.columns)
    result = apply_mapping(raw, suggestion.spec)
    assert result.unparsed.height == 0
    assert result.caveats == ()


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "b", "é" * 20])), max_size=30), st.integers(1, 7))
def test_a_column_taken_apart_is_the_column(cells: list[str | None], piece: int) -> None:
    column = pl.Series("text", cells, dtype=pl.String)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analytics.mapped.PIECE", piece)
        apart = distinct(column)
        assert apart.spread(apart.values).to_list() == cells
    counted = dict(apart.counted().select("text", "n").iter_rows())
    assert counted == {cell: cells.count(cell) for cell in cells if cell is not None}
    assert apart.values.n_unique() == len(apart.values)
    only_a = apart.values.set(apart.values != "a", None)
    assert apart.rows_of(only_a)["row_number"].to_list() == [i + 1 for i, cell in enumerate(cells) if cell == "a"]
