"""Checks of transactions: what each order line is, what it is worth, and whether it can be believed."""

from __future__ import annotations

import re

import polars as pl

from analytics.errors import Caveat
from analytics.mapped import beside, combined, count_values, rowwise
from analytics.quality.findings import IssueBook
from analytics.quality.report import QualitySpec, Remedy, Severity

_SERVICE_WORDS = """
    POST POSTAGE DOT DOTCOM CARRIAGE C2 FREIGHT SHIPPING SHIP DELIVERY HANDLING FEE FEES AMAZONFEE BANKCHARGES
    BANKCHARGE CHARGE CHARGES COMMISSION CRUK ADJUST ADJUST2 ADJUSTMENT ADJ MANUAL DISCOUNT DISC COUPON SAMPLE SAMPLES
    SURCHARGE INSURANCE WRITEOFF BADDEBT ROUNDING TIP TAX VAT DEPOSIT
    运费 運費 邮费 郵費 快递费 宅配费 宅配費 手续费 手續費 服务费 服務費 包装费 包裝費 调整 調整 折扣 折讓 押金
    差价 差價 补差价 補差價
"""
_SERVICE_CODES = frozenset(_SERVICE_WORDS.split())
_SINGLE_LETTERS = frozenset("BCDMPS")  # Online Retail's bad debt, carriage, discount, manual, postage, samples
_SERVICE_NAMES = (
    r"(?i)^(?:postage|dotcom postage|carriage|shipping(?: fee| cost| charge)?|delivery (?:fee|charge)|freight|manual"
    r"|bank charges?|amazon fee|handling(?: fee)?|(?:运费|運費|邮费|郵費|手续费|手續費|服务费|服務費)(?:\s.*)?)$"
)
TEST_PATTERN = (
    r"(?i)^(?:test|tester|testing|demo|dummy|qa|测试|測試)"
    r"(?:[-_ .]?(?:user|account|customer|帐号|账号|帳號|用户))?[-_ .]?\d*$"
)


def with_amounts(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Caveat]]:
    """``amount`` derived where the column is absent, and filled where it is empty (mask ``#derived``)."""
    names = set(frame.columns)
    if "unit_price" not in names:
        return frame, []
    if "quantity" not in names:
        if "amount" in names:
            return frame, []
        derived = beside(frame, _all(frame, "#derived"), frame["unit_price"].alias("amount"))
        return derived, [Caveat("amount_is_price", params={"n": frame.height})]
    expected = expected_amount(names)
    if "amount" not in names:
        derived = beside(frame, _all(frame, "#derived"), rowwise(frame, expected).alias("amount"))
        return derived, [Caveat("amount_derived", "note", {"n": frame.height})]
    filled = rowwise(frame, (pl.col("amount").is_null() & expected.is_not_null()).alias("#derived"))
    if not filled.any():
        return beside(frame, filled), []
    return beside(frame, rowwise(frame, pl.coalesce("amount", expected).alias("amount")), filled), []


def _all(frame: pl.DataFrame, name: str) -> pl.Series:
    return pl.repeat(True, frame.height, eager=True).alias(name)


def expected_amount(names: set[str]) -> pl.Expr:
    """quantity x unit_price less discount, exact; a share is taken in millionths, half away from zero."""
    price = pl.col("unit_price")
    if "quantity" not in names:
        return price
    if "quantity_exact" in names:
        gross = (price * pl.col("quantity_exact")).round().cast(pl.Int64)
    else:
        gross = price * pl.col("quantity")
    if "discount_amount" in names:
        return gross - gross.sign() * pl.col("discount_amount").fill_null(0).abs()
    if "discount_share" in names:
        millionths = 1_000_000 - (pl.col("discount_share").fill_null(0.0) * 1_000_000).round().cast(pl.Int128)
        product = gross.abs().cast(pl.Int128) * millionths
        return gross.sign() * ((product + 500_000) // 1_000_000).cast(pl.Int64)
    return gross


def mismatched(frame: pl.DataFrame, money_digits: int) -> pl.Series | None:
    """Lines whose amount is not quantity x unit_price less discount, by more than a cent and one percent."""
    names = set(frame.columns)
    if not {"quantity", "unit_price", "amount"} <= names or bool(frame["#derived"].all()):
        return None
    cent = 10 ** max(money_digits - 2, 0)
    apart = (pl.col("amount") - expected_amount(names)).abs()
    tolerance = pl.max_horizontal(pl.col("amount").abs() / 100, 2 * cent)
    off = apart > tolerance
    if not {"discount_amount", "discount_share"} & names:
        off = off & (
            pl.col("amount").abs() > expected_amount(names).abs()
        )  # less may be a discount that no column holds
    return rowwise(frame, off.fill_null(False).alias("off"))


def with_kind(frame: pl.DataFrame, spec: QualitySpec) -> pl.DataFrame:
    """``kind`` behind the other columns, with the masks ``?cancelled``, ``?returned`` and ``?service``.

    "service": no sale of a product (postage, fees, corrections; by default also lines at a price of zero).
    "cancellation": the order's number begins with C before the usual digits, and such lines are not sales.
    "return": begins with R in the same way, or something is given back. Everything else is a "sale".
    """
    false = pl.lit(False)
    names = set(frame.columns)
    signs = [pl.col(name) < 0 for name in ("quantity", "amount") if name in names]
    negative = pl.any_horizontal(*signs).fill_null(False) if signs else false
    cancelled, returned = (false, false)
    if "order_id" in names:
        cancelled = pl.col("order_id").str.contains(r"^[Cc]-?[0-9]").fill_null(False)
        returned = pl.col("order_id").str.contains(r"^[Rr]-?[0-9]").fill_null(False)
    # Without any of these columns the three are single values: a column each all the same.
    masks = {"cancelled": cancelled, "returned": returned, "negative": negative}
    marked = pl.DataFrame([rowwise(frame, mask).alias(name) for name, mask in masks.items()])
    for name in ("cancelled", "returned"):
        if not _is_a_prefix(marked, name, bool(signs)):
            marked = marked.with_columns(pl.lit(False).alias(name))
    service = _service(frame)
    zero = frame["unit_price"] == 0 if "unit_price" in names else None
    no_sale = service if spec.service_codes == "mark" else service & False
    if zero is not None and spec.zero_price == "mark":
        no_sale = no_sale | zero.fill_null(False)
    frame = beside(
        frame,
        marked["cancelled"].alias("?cancelled"),
        marked["returned"].alias("?numbered_return"),
        (marked["returned"] | (marked["negative"] & ~marked["cancelled"])).alias("?returned"),
        service.alias("?service"),
        no_sale.alias("?no_sale"),
    )
    kind = (
        pl.when("?no_sale")
        .then(pl.lit("service"))
        .when("?cancelled")
        .then(pl.lit("cancellation"))
        .when("?returned")
        .then(pl.lit("return"))
        .otherwise(pl.lit("sale"))
    )
    return beside(frame, rowwise(frame, kind).alias("kind"))


def _is_a_prefix(marked: pl.DataFrame, name: str, has_signs: bool) -> bool:
    """A letter marks cancellations only where most orders go without it and hardly any marked line is a sale."""
    n = int(marked[name].sum())
    if not n or n > 0.5 * marked.height:
        return False
    return not has_signs or int((marked[name] & marked["negative"]).sum()) >= 0.8 * n


def _service(frame: pl.DataFrame) -> pl.Series:
    nothing = pl.Series("service", [False]).new_from_index(0, frame.height)
    found = nothing
    if "product_id" in frame.columns:
        codes = count_values(frame["product_id"])["value"]
        long = float(codes.str.len_chars().median() or 0.0) >= 4  # type: ignore[arg-type]  # a scalar: Polars types any literal
        known = [code for code in codes.to_list() if _is_service_code(code, single_letters=long)]
        found = found | _is_one_of(frame, "product_id", known)
    if "product" in frame.columns:
        titles = count_values(frame["product"])["value"]
        known = titles.filter(titles.str.strip_chars().str.contains(_SERVICE_NAMES)).to_list()
        found = found | _is_one_of(frame, "product", known)
    return found


def _is_one_of(frame: pl.DataFrame, name: str, values: list[str]) -> pl.Series:
    if not values:
        return pl.repeat(False, frame.height, eager=True)
    return rowwise(frame, pl.col(name).is_in(values).fill_null(False))


def _is_service_code(code: str, *, single_letters: bool) -> bool:
    plain = re.sub(r"[\s_\-.]", "", code).upper()
    return plain in _SERVICE_CODES or (single_letters and plain in _SINGLE_LETTERS)


def note_lines(book: IssueBook, frame: pl.DataFrame, spec: QualitySpec, money_digits: int) -> None:
    """Issues of order lines, as found before any repair."""
    names = set(frame.columns)
    if "order_id" in names:
        book.add("cancellations", "note", "order_id", frame["?cancelled"], "mark", frame["order_id"])
    if "quantity" in names:
        given_back = frame["quantity"] <= 0
        numbered = frame["?cancelled"] | frame["?numbered_return"] | frame["?service"]
        severity: Severity = "check" if (given_back & ~numbered).any() else "note"
        book.add("quantity_not_positive", severity, "quantity", given_back, "mark", frame["quantity"])
        _note_outliers(book, frame, "quantity", frame["quantity"], 100.0, spec)
    elif "amount" in names:
        book.add("amount_negative", "check", "amount", frame["amount"] < 0, "mark")
        _note_outliers(book, frame, "amount", frame["amount"] / 10**money_digits, 0.0, spec)
    if "unit_price" in names:
        remedy: Remedy = spec.negative_price
        shown = frame["product"] if "product" in names else frame["unit_price"] / 10**money_digits
        severity = "repaired" if remedy == "quarantine" else "check"
        book.add("negative_price", severity, "unit_price", frame["unit_price"] < 0, remedy, shown)
        book.add("zero_price", "check", "unit_price", frame["unit_price"] == 0, spec.zero_price, shown)
    elif "amount" in names:
        book.add("zero_amount", "note", "amount", frame["amount"] == 0, "keep")
    shown = frame["product_id"] if "product_id" in names else frame["kind"]
    book.add("service_codes", "note", "product_id", frame["?service"], spec.service_codes, shown)
    off = mismatched(frame, money_digits)
    if off is not None:
        believable = ~frame["?no_sale"] & (frame["unit_price"] >= 0)
        book.add("amount_mismatch", "check", "amount", off & believable, "keep")
    if "unit_price" in names:
        _note_unit_jumps(book, frame)
    if {"order_id", "ordered_at"} <= names:
        _note_orders_twice(book, frame, spec)


def _note_outliers(
    book: IssueBook, frame: pl.DataFrame, name: str, shown: pl.Series, floor: float, spec: QualitySpec
) -> None:
    """Values many times the one that 99.5 percent of sales stay within, which a few of them cannot move."""
    value = pl.col(name)
    counted = count_values(rowwise(frame, pl.when((value > 0) & (pl.col("kind") == "sale")).then(value))).sort("value")
    n = int(counted["n"].sum())
    if n < 200:
        return
    place = round(0.995 * (n - 1))  # of the line that is nearest to this share
    usual = counted.filter(pl.col("n").cum_sum() > place)["value"][0]
    limit = max(floor, spec.outlier_times_usual * float(usual))
    book.add(f"outlier_{name}", "check", name, rowwise(frame, value.abs() > limit), "keep", shown)


def _note_unit_jumps(book: IssueBook, frame: pl.DataFrame) -> None:
    """Prices a hundred or a thousand times the product's usual one: cents where the rest is whole units, or back."""
    product = next((name for name in ("product_id", "product") if name in frame.columns), None)
    if product is None:
        return
    lines = frame.select(pl.col(product).alias("product"), "unit_price", "?service")
    believable = (pl.col("unit_price") > 0) & ~pl.col("?service") & pl.col("product").is_not_null()
    prices = combined(lines, ["product", pl.when(believable).then("unit_price").alias("price")], pl.len().alias("n"))
    prices = prices.drop_nulls().sort("product", "price")
    upto, total = pl.col("n").cum_sum().over("product"), pl.col("n").sum().over("product")
    # The median of a product's lines, from how many have each price.
    middle = [pl.col("price").filter(upto >= (total + i) // 2).first().over("product") for i in (1, 2)]
    prices = prices.with_columns(total=total, usual=(middle[0] + middle[1]) / 2).filter(pl.col("total") >= 5)
    power = (pl.col("price") / pl.col("usual")).log10()
    jumped = prices.filter((power.abs() > 1.5) & ((power - power.round()).abs() < 0.12) & (power.abs() < 3.5))
    if not jumped.height:
        return
    # Few prices come into question, and few lines have one of them.
    places = rowwise(lines, believable & pl.col("unit_price").is_in(jumped["price"].unique().implode())).arg_true()
    suspects = lines.select("product", pl.col("unit_price").alias("price"))[places].with_columns(places.alias("place"))
    found = suspects.join(jumped, on=["product", "price"], how="semi")["place"]
    mask = pl.repeat(False, frame.height, eager=True).scatter(found, True)
    book.add("unit_jump", "check", "unit_price", mask, "keep", frame[product].cast(pl.String))


def _note_orders_twice(book: IssueBook, frame: pl.DataFrame, spec: QualitySpec) -> None:
    """Orders of one customer with the same lines under another number within minutes: submitted twice."""
    content = [name for name in ("product_id", "product", "quantity", "amount") if name in frame.columns]
    if "customer_id" not in frame.columns or not content:
        return
    sold = pl.col("order_id").is_not_null() & pl.col("customer_id").is_not_null() & (pl.col("kind") == "sale")
    lines = frame.select("order_id", "customer_id", "ordered_at", "kind", *content).with_row_index("row")
    orders = combined(
        lines,
        [pl.when(sold).then(pl.struct("order_id", "customer_id").hash()).alias("order")],
        pl.col("customer_id").hash().min().alias("least_customer"),
        (pl.struct(content).hash() % 2**32).sum().alias("content"),
        pl.len().alias("n_lines"),
        pl.col("ordered_at").min().alias("least_time"),
        pl.col("row").min().alias("least_row"),
    ).drop_nulls("order")
    alike = ["least_customer", "content", "n_lines"]
    orders = orders.filter(pl.struct(alike).hash().is_duplicated())  # candidates: what follows looks at the values
    twice = (
        orders.with_columns(frame["order_id"].gather(orders["least_row"]))
        .sort(*alike, "least_time", "order_id")
        .with_columns(gap=pl.col("least_time").diff().over(alike))
        .filter(
            (pl.col("gap") <= pl.duration(minutes=spec.order_twice_minutes))
            & (pl.col("least_time") != pl.col("least_time").dt.truncate("1d"))
        )
    )
    mask = _is_one_of(frame, "order_id", twice["order_id"].unique().to_list())
    book.add("order_twice", "check", "order_id", mask, "keep", frame["order_id"])
