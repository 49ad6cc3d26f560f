"""Private links on the pages: what a visitor sees and cannot do; nothing of the people in the data reaches them.

The owner is the person at this machine (a test without a server counts as that); a visitor is a session of its own that
knows a token and nothing else.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Widget

from analytics.calendar import CalendarSpec, OwnEvent
from analytics.errors import AnalysisError
from analytics.i18n import words_for
from analytics.integration import CurrencySpec, JoinSpec, Rate
from analytics.segmentation import Condition, RfmSpec, Rule, Scenario
from analytics.workspace import Workspace
from app_pages.ui import page, session, walk
from app_pages.ui.steps import STEPS
from store import database, links, people, workspaces
from store.model import Record, Role
from tests.pages.test_privacy import found_in, plain, shown
from tests.pages.test_uploads import go, opened, upload

ROOT = Path(__file__).parents[2]
PEOPLE = 60
TWICE = 4  # people who are there twice: Integration shows their records side by side


def files() -> tuple[list[tuple[str, bytes]], set[str]]:
    """Members, orders, reviews and a second table of a shop, and everything in them that names somebody."""
    rng, canaries = random.Random(11), set()
    members = ["customer_id,name,email,phone,city,gender"]
    orders = ["order_id,customer_id,order_date,product,category,quantity,amount,channel"]
    reviews = ["customer_id,date,rating,comment"]
    regions = ["customer_id,region"]
    for i in range(PEOPLE + TWICE):
        twin = i % PEOPLE
        key = f"ZQ{i:03d}canary"
        name, mail, phone = f"Canaria Zq{twin}nym", f"zq{twin}@canary.example.org", f"+8869{twin:08d}"
        canaries |= {key, name, mail, phone}
        members.append(f"{key},{name},{mail},{phone},{rng.choice(['Taipei', 'Tainan'])},{rng.choice('FM')}")
        for _n in range(rng.randint(1, 7)):
            day = f"{rng.choice([2024, 2025])}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
            item = rng.randint(1, 5)
            orders.append(
                f"{len(orders)},{key},{day},Thing {item},Kind {item % 2},{rng.randint(1, 3)},{rng.randint(5, 90)}.50,"
                f"{rng.choice(['web', 'store'])}"
            )
        said = f"{name} was told to call {phone} or write to {mail}"
        reviews.append(f"{key},2025-06-{rng.randint(1, 28):02d},{rng.randint(1, 5)},{said}")
        regions.append(f"{key},{rng.choice(['north', 'south'])}")
    orders.append("9999,ZQ001canary,not a day,Thing 1,Kind 1,1,12.00,web")  # set aside: its row is shown by Validation
    orders.append("9998,ZQ998canary,2025-05-05,Thing 1,Kind 1,1,12.00,web")  # nobody's: an orphan
    canaries.add("ZQ998canary")
    named = (("members.csv", members), ("orders.csv", orders), ("reviews.csv", reviews), ("regions.csv", regions))
    return [(name, "\n".join(lines).encode()) for name, lines in named], canaries


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that a download button would give, made at once, wherever it stands."""
    import streamlit as st

    made: list[bytes] = []
    usual = st.download_button

    def now(label: str, data: Any, *given: Any, **more: Any) -> bool:
        data = data() if callable(data) else data
        made.append(data.encode() if isinstance(data, str) else data)
        return usual(label, made[-1], *given, **more)

    monkeypatch.setattr(st, "download_button", now)
    return made


@pytest.fixture(scope="module")
def owner() -> AppTest:
    """The owner's session with the files of a shop, stored."""
    return upload(opened(), *files()[0])


def stored(test: AppTest) -> Record:
    wanted = test.query_params["w"]
    return workspaces.load(session.store(), wanted if isinstance(wanted, str) else wanted[0])


def given(test: AppTest, role: Role, page_name: str = "segmentation", **more: Any) -> tuple[str, str]:
    """A new link of the owner's: its id and its token."""
    record, store = stored(test), session.store()
    shared = more.pop("workspace", record.workspace)
    by = people.local_person(store)
    made, token = links.create_link(store, record.id, role, by, workspace=shared, page=page_name, **more)
    return made.id, token


def visiting(token: str, **parameters: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["k"] = token
    for name, value in parameters.items():
        test.query_params[name] = value
    return test.run()


def said(test: AppTest) -> str:
    boxes = [*test.markdown, *test.subheader, *test.header, *test.title, *test.warning, *test.error, *test.info]
    return "\n".join(str(item.value) for item in boxes)


def codes(test: AppTest) -> set[str]:
    return set(re.findall(r"code: ([a-z_]+)", said(test)))


def walked(test: AppTest, names: list[str]) -> Iterator[str]:
    for name in names:
        go(test, name)
        assert [item.value for item in test.exception] == [], name
        yield name


# ---- what a visitor sees -----------------------------------------------------------------------------------------


def assert_nobody_named(owner: AppTest, downloads: list[bytes], names: list[str], n_downloads: int) -> None:
    """Every message of these pages and every download of theirs."""
    _files, canaries = files()
    _id, token = given(owner, "view")
    viewer = visiting(token)
    pages = {name: found_in(canaries, shown(viewer)) for name in walked(viewer, names)}
    assert {name: found for name, found in pages.items() if found} == {}
    texts = [plain(data) for data in downloads if data[:4] != b"\x89PNG"]
    assert len(texts) >= n_downloads, "a viewer takes tables away"
    assert [found_in(canaries, text) for text in texts] == [[]] * len(texts)
    assert any("P-" in text for text in texts), "with pseudonyms in them"
    secret = workspaces.secret_of(session.store(), stored(owner).id)
    assert not any(secret.hex() in text for text in texts)


def test_a_viewer_gets_nothing_that_names_a_customer(owner: AppTest, downloads: list[bytes]) -> None:
    """Where rows and ids stand in the owner's session."""
    pages = ["upload", "validation", "integration", "privacy", "customer", "segmentation"]
    assert_nobody_named(owner, downloads, pages, 2)


@pytest.mark.slow
def test_a_viewer_gets_nothing_that_names_a_customer_on_any_page(owner: AppTest, downloads: list[bytes]) -> None:
    """All 19 pages and their downloads: nothing found."""
    assert_nobody_named(owner, downloads, [step.name for step in STEPS], 8)


@pytest.mark.slow
def test_the_same_search_finds_them_in_the_owners_session(owner: AppTest, downloads: list[bytes]) -> None:
    """Found on pages and in downloads when run."""
    _files, canaries = files()
    pages = {name: found_in(canaries, shown(owner)) for name in walked(owner, [step.name for step in STEPS])}
    assert {name for name, found in pages.items() if found} >= {"upload", "integration", "customer", "segmentation"}
    assert any(found_in(canaries, plain(data)) for data in downloads if data[:4] != b"\x89PNG")


def test_the_search_can_fail(owner: AppTest) -> None:
    go(owner, "upload")
    assert found_in(files()[1], shown(owner)), "the owner's preview shows rows as they stand in the file"
    go(owner, "customer")
    assert found_in(files()[1], shown(owner))


def test_an_editor_sees_rows_and_takes_no_id_away(owner: AppTest, downloads: list[bytes]) -> None:
    canaries = files()[1]
    editor = visiting(given(owner, "edit")[1])
    go(editor, "upload")
    assert found_in(canaries, shown(editor)), "rows as they stand in the file"
    for name in ("validation", "integration", "customer", "privacy"):
        go(editor, name)
        assert [item.value for item in editor.exception] == [], name
    assert len(downloads) >= 4
    assert [found_in(canaries, plain(data)) for data in downloads] == [[]] * len(downloads)
    assert not [toggle for toggle in editor.toggle if toggle.key == "prepare-owner"]
    assert not [button for button in editor.button if button.key == "erase"]


def test_a_link_shows_the_sharers_choices_page_day_and_language(owner: AppTest) -> None:
    before = stored(owner).workspace
    as_of = datetime(2025, 6, 30, tzinfo=UTC).date()
    shared = dataclasses.replace(
        before,
        language="zh_TW",
        population=dataclasses.replace(before.population, as_of=as_of),
        segmentation=dataclasses.replace(before.segmentation, n_segments=4),
    )
    _id, token = given(owner, "view", workspace=shared)
    viewer = go(visiting(token), "segmentation")
    here = viewer.session_state["workspace"]
    assert (here.language, here.population.as_of, here.segmentation.n_segments) == ("zh_TW", as_of, 4)
    assert viewer.title[0].value == words_for("zh_TW")("Segmentation")
    assert links.open_link(session.store(), token).page == "segmentation"
    viewer.selectbox(key="language").set_value("en").run()
    assert viewer.title[0].value == "Segmentation", "the reader may switch"


# ---- what a visitor cannot do ------------------------------------------------------------------------------------


def test_a_viewer_changes_nothing_by_any_widget(owner: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Greying out is a courtesy: where it is taken away, the session refuses."""
    before = stored(owner)
    viewer = visiting(given(owner, "view")[1])
    held = viewer.session_state["workspace"]
    go(viewer, "upload")
    assert not viewer.file_uploader, "no place for files"
    go(viewer, "privacy")
    assert viewer.selectbox(key="privacy.k").disabled
    assert viewer.segmented_control(key="privacy.pseudonymise_ids").disabled
    usual = session.may
    monkeypatch.setattr(session, "may", lambda deed: deed == "change" or usual(deed))
    go(viewer, "segmentation")
    for key, value in (
        ("segmentation.method", "rfm"),
        ("segmentation.n_segments", 4),
        ("features-behaviour", ["recency_days"]),
        ("segment-name-1", "mine"),
    ):
        control: Any = viewer.get_by_key(key)
        control.set_value(value).run()
        assert "not_allowed" in codes(viewer), key
        viewer.run()
        assert "not_allowed" not in codes(viewer), "told once"
    assert viewer.session_state["workspace"].privacy == dataclasses.replace(held.privacy, pseudonymise_ids=True)
    assert viewer.session_state["workspace"].segmentation == held.segmentation
    after = stored(owner)
    assert (after.version, after.workspace) == (before.version, before.workspace)


# What somebody who only looks finds enabled: how its keys begin, and why it changes nothing of the work.
LOOKS = {
    "language": "the reader's own",
    "own-name": "the reader's own",
    "reset-to-shared": "gives back what was shared",
    "share-reset": "gives back what was shared",
    "to-workspaces": "goes to another page",
    "to-upload": "goes to another page",
    "next": "goes to another page",
    "customer.": "which customer is looked at",
    "value.customer": "which customer is looked at",
    "what_if.": "which two cuts stand side by side",
    "try-number": "the number of segments of the second cut",
    "cohort_view.": "what is drawn of cohorts",
    "forecast.unique_id": "which series is looked at",
    "forecast.cutoff": "which back-test is looked at",
    "outlook": "which series is looked at next",
    "behaviour.section": "which part of the page is looked at",
    "portrait.pick": "which list customers are picked from",
    "product_life.shown": "which product is looked at",
}
# What the owner finds disabled, as there is nothing to take back, to erase, or before the first one.
OWNERS_OFF = {"pair-open", "usage-steps-reset", "erase", "customer.previous"}
# Controls that change the work and that the walk must meet: on any work, and where something was chosen.
ALWAYS = {
    "segmentation.method",
    "feature-preset",
    "segment-name-1",
    "pin-b",
    "payoff-budget",
    "edit-1",
    "usage.steps.0",
    "currency-to",
    "dated-add",
    "survival.covariates",
    "value-calculate",
    "forecast.event.name",
    "models-apply",
    "demand.by.outlook",
    "scenario-add",
    "as-of-end",
    "population-reset",
}
WHERE_CHOSEN = {
    "weight-behaviour",
    "rule-add",
    "rule-0-1-values",
    "scenarios.0.segmentation.rfm-recency_cuts",
    "scenario-name-1",
    "keep-1",
    "usual-days",
    "event-0",
    "dated-0",
    "customer.draw",
    "to-world",
}


def controls(test: AppTest) -> list[Any]:
    """Every widget on the page that AppTest reaches, but downloads."""
    return [item for item in test if isinstance(item, Widget) and item.type != "download_button"]


def usable(test: AppTest, names: list[str]) -> tuple[set[str], set[str]]:
    """The keys of the widgets on these pages that can be used, and of those that cannot."""
    found: tuple[set[str], set[str]] = (set(), set())
    for _name in walked(test, names):
        for item in controls(test):
            found[item.disabled].add(item.key or f"{item.type}: {item.label}")
    return found


def more_files() -> list[tuple[str, bytes]]:
    """The same shop, with orders in a second currency and with events."""
    held, rng = dict(files()[0]), random.Random(12)
    heading, *lines = held["orders.csv"].decode().splitlines()
    lines = [f"{line},{'USD' if i % 9 == 0 else 'TWD'}" for i, line in enumerate(lines)]
    held["orders.csv"] = "\n".join([f"{heading},currency", *lines]).encode()
    events = ["customer_id,timestamp,event"]
    for i in range(PEOPLE):
        for day in sorted(rng.sample(range(1, 29), 6)):
            steps = ("view", "add_to_cart", "purchase", "search")[: rng.randint(1, 4)]
            events += [f"ZQ{i:03d}canary,2025-11-{day:02d} 10:{n:02d}:00,{step}" for n, step in enumerate(steps)]
    return [*held.items(), ("events.csv", "\n".join(events).encode())]


def with_everything(plain: Workspace) -> Workspace:
    """The same work with a choice of each kind that has widgets of its own."""
    tainan = Condition("city", "one_of", values=("Tainan",))
    rules = (
        Rule("Recent", (Condition("recency_days", "below", high=90.0), tainan)),
        Rule("Others", (Condition("n_orders", "between", 1.0, 9.0),)),
    )
    cut = dataclasses.replace(plain.segmentation, method="rfm", rfm=RfmSpec("fixed", 3))
    days = date(2025, 3, 3), date(2025, 3, 9)
    (regions,) = [source.digest for source in plain.sources if source.name == "regions.csv"]
    return dataclasses.replace(
        plain,
        segmentation=dataclasses.replace(plain.segmentation, method="rules", rules=rules),
        scenarios=(Scenario("Pinned", cut, plain.population),),
        what_if=dataclasses.replace(plain.what_if, b=1),
        portrait=dataclasses.replace(plain.portrait, pick="random"),
        demand=dataclasses.replace(plain.demand, by="product"),
        forecast=dataclasses.replace(plain.forecast, calendar=CalendarSpec(own=(OwnEvent("Fair", days),))),
        forecast_view=dataclasses.replace(plain.forecast_view, usual_days=False),
        currencies=CurrencySpec("TWD", (Rate("USD", "31.5", "TWD", *days),)),
        joins=(JoinSpec(on=(("customer_id", "customer_id"),), table="customers", source=regions),),
    )


@pytest.mark.slow
def test_a_viewer_can_use_only_what_looks() -> None:
    """All 19 pages: what can be used is named above, all else is greyed out; not for the owner."""
    owner, pages = upload(opened(), *more_files()), [step.name for step in STEPS]
    owners_on, owners_off = usable(owner, pages)
    plain = stored(owner).workspace
    families = dataclasses.replace(plain.segmentation, features=("recency_days", "n_orders", "city"))
    deeper = ["integration", "customer", "segmentation", "what_if", "forecasting", "demand_outlook"]
    on: set[str] = set()
    off: set[str] = set()
    for shared, names in (
        (dataclasses.replace(plain, segmentation=families), pages),
        (with_everything(plain), deeper),
        (dataclasses.replace(plain, sources=()), ["usage"]),  # a page that refuses, with its ways on
    ):
        can, cannot = usable(visiting(given(owner, "view", workspace=shared)[1]), names)
        on, off = on | can, off | cannot
    assert {key for key in on if not key.startswith(tuple(LOOKS))} == set()
    assert [name for name in LOOKS if not any(key.startswith(name) for key in on)] == [], "each of them occurs"
    assert off >= ALWAYS | WHERE_CHOSEN, "the walk meets them"
    assert owners_off == OWNERS_OFF
    assert owners_on >= ALWAYS


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        (lambda: session.change(world="marketplace"), ""),
        (lambda: session.change_spec("privacy", pseudonymise_ids=False), ""),
        (lambda: session.amend(sources=()), ""),
        (lambda: session.open_saved(b'{"version": 1, "choices": {"world": "streaming"}}'), ""),
        (lambda: session.open_mappings(b'{"version": 1, "mappings": []}'), ""),
        (lambda: session.undo(), ""),
        (lambda: walk.owner_list(), "not_allowed"),
        (lambda: walk.erase("ZQ001canary"), "not_allowed"),
        (lambda: walk.erase("nobody"), "not_allowed"),  # the same answer: it tells nobody who is a customer
        (lambda: session.erase(("0" * 64,), ()), "not_allowed"),
        (lambda: session.remember_upload("x.csv", b"a,b\n1,2\n", []), "not_allowed"),
        (lambda: session.require("share"), "not_allowed"),
        (lambda: session.require("save"), "not_allowed"),
        (lambda: session.require("delete"), "not_allowed"),
        (lambda: session.rename("mine"), ""),
        (lambda: session.still_allowed("export_ids")(), "not_allowed"),
    ],
)
def test_the_session_itself_refuses_a_viewer(
    owner: AppTest, monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object], code: str
) -> None:
    """Called as a callback of a forged message would call it: no widget, no page in between."""
    before = stored(owner)
    caught: list[str] = []

    def tried(_: Any, name: str) -> None:
        try:
            deed()
        except AnalysisError as error:
            caught.append(error.code)

    monkeypatch.setattr("app_pages.ui.sharing.panel", tried)
    viewer = visiting(given(owner, "view")[1])
    assert caught == ([code] if code else [])
    here = viewer.session_state["workspace"]
    assert (here.world, here.sources) == ("", before.workspace.sources)
    assert here.privacy.pseudonymise_ids
    after = stored(owner)
    assert (after.version, after.workspace, after.name) == (before.version, before.workspace, before.name)
    assert not workspaces.erasures(session.store(), before.id)


@pytest.mark.parametrize(
    "parameters",
    [{"role": "owner"}, {"role": "edit", "r": "edit"}, {"w": "@"}, {"s": "eJyLjgUAARUAuQ"}, {"w": "@", "s": "x"}],
)
def test_editing_the_address_raises_no_role(owner: AppTest, parameters: dict[str, str]) -> None:
    record = stored(owner)
    named = {name: record.id if value == "@" else value for name, value in parameters.items()}
    viewer = visiting(given(owner, "view")[1], **named)
    assert viewer.session_state["visit"].access.role == "view"
    assert viewer.session_state["workspace"].privacy.pseudonymise_ids


# ---- links that do not open --------------------------------------------------------------------------------------


def assert_shut(test: AppTest, title: str) -> None:
    """A plain page: what is wrong and nothing of the data."""
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.subheader] == [title]
    assert not test.metric
    assert not test.dataframe
    assert found_in(files()[1], shown(test)) == []
    assert b"members.csv" not in shown(test)


def test_a_revoked_link_shuts_the_session_that_has_it_open(owner: AppTest) -> None:
    made, token = given(owner, "view")
    viewer = go(visiting(token), "segmentation")
    assert viewer.metric
    links.revoke(session.store(), made, people.local_person(session.store()))
    viewer.run()
    assert_shut(viewer, "This link was revoked")
    assert_shut(go(viewer, "customer"), "This link was revoked")
    assert_shut(visiting(token), "This link was revoked")


def test_a_revoked_editor_saves_no_more(owner: AppTest) -> None:
    made, token = given(owner, "edit")
    editor = go(visiting(token), "privacy")
    links.revoke(session.store(), made, people.local_person(session.store()))
    version = stored(owner).version
    editor.selectbox(key="privacy.k").set_value(30).run()
    assert_shut(editor, "This link was revoked")
    assert stored(owner).version == version
    assert stored(owner).workspace.privacy.k != 30


def test_a_link_ends_while_it_is_open(owner: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    viewer = go(visiting(given(owner, "view", until=until)[1]), "segmentation")
    assert viewer.metric
    monkeypatch.setattr(database, "now", lambda: until + timedelta(seconds=1))
    viewer.run()
    assert_shut(viewer, "This link has ended")


@pytest.mark.parametrize("token", ["A" * 43, "", " ", "../../etc/passwd", "%00", "' or 1=1 --", "x" * 5000])
def test_a_made_up_token_opens_nothing(owner: AppTest, token: str) -> None:
    test = visiting(token)
    assert found_in(files()[1], shown(test)) == []
    if token.strip():
        assert_shut(test, "No such link")


def test_an_altered_token_opens_nothing(owner: AppTest) -> None:
    token = given(owner, "view")[1]
    assert_shut(visiting(token[:-1] + ("A" if token[-1] != "A" else "B")), "No such link")
    assert_shut(visiting(token.swapcase()), "No such link")


def test_anothers_workspace_is_like_none(owner: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer for an id that exists and one that does not, for somebody whom only a cookie tells."""
    from app_pages.ui import visitor

    record, stranger = stored(owner), people.browser_person(session.store(), "S" * 43)
    monkeypatch.setattr(visitor, "who", lambda *_given, **_more: stranger)
    answers = []
    for wanted in (record.id, "0" * 32, "../" + record.id, record.id.upper(), "' or 1=1 --"):
        test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
        test.query_params["w"] = wanted
        test.run()
        assert found_in(files()[1], shown(test)) == []
        assert test.session_state["workspace"].world
        answers.append((codes(test), said(test), dict(test.query_params)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == {"workspace_unknown"}
    assert "w" not in answers[0][2]


# ---- making, listing and revoking --------------------------------------------------------------------------------


def test_the_owner_makes_lists_and_revokes_links(owner: AppTest) -> None:
    go(owner, "lifecycle")
    owner.text_input(key="share-label").set_value("![x](http://evil.example/i.png) board").run()
    owner.button(key="share-make").click().run()
    assert [item.value for item in owner.exception] == []
    (address,) = [item.value for item in owner.code if "?k=" in item.value]
    assert address.startswith("/lifecycle?k=")
    token = address.partition("?k=")[2]
    pictures = [str(item.proto) for item in owner if type(getattr(item, "proto", None)).__name__ == "ImageList"]
    assert any("data:image/svg+xml" in picture for picture in pictures), "a code for the room"
    found = links.links(session.store(), stored(owner).id)[0]
    assert (found.role, found.page) == ("view", "lifecycle")
    assert "\\!\\[x\\]" in said(owner), "its label is text"
    owner.run()
    assert token.encode() not in shown(owner), "told once"
    assert go(visiting(token), "lifecycle").metric
    owner.button(key=f"revoke-{found.id}").click().run()
    assert_shut(visiting(token), "This link was revoked")
    assert not [button for button in owner.button if button.key == f"revoke-{found.id}"]


def test_nobody_but_the_owner_is_offered_links(owner: AppTest) -> None:
    for role in ("view", "edit"):
        visitor = visiting(given(owner, role)[1])
        assert not [button for button in visitor.button if button.key == "share-make"]
        assert not [button for button in visitor.button if (button.key or "").startswith("revoke-")]
        assert not [button for button in visitor.get("download_button") if button.key == "save-choices"]


@pytest.mark.parametrize("role", ["view", "edit"])
def test_back_to_the_shared_state(owner: AppTest, role: Role) -> None:
    shared = dataclasses.replace(stored(owner).workspace, what_if=stored(owner).workspace.what_if)
    visitor = visiting(given(owner, role, workspace=shared)[1])
    at_first = visitor.session_state["workspace"]
    go(visitor, "customer")
    visitor.button(key="customer.next-one").click().run()
    assert visitor.session_state["workspace"].customer != at_first.customer
    visitor.button(key="share-reset").click().run()
    assert visitor.session_state["workspace"].customer == at_first.customer
    assert [item.value for item in visitor.exception] == []


def test_every_page_lets_nothing_out_but_by_page_and_walk() -> None:
    """A download button made anywhere is one that the searches above have seen or that is named here."""
    found = {path.name for path in (ROOT / "app_pages").rglob("*.py") if "download_button(" in path.read_text("utf-8")}
    known = {
        "page.py",  # take_away
        "customers.py",  # the rows behind a figure: for who may see rows
        "scenarios.py",
        "valuing.py",
        "persona_cards.py",
        "guard.py",  # original ids: for owners
        "earlier.py",  # mappings: for who may change
        "sharing.py",  # the choices: for owners
        "saving.py",  # the choices of who works on them, where saving fails
        "library.py",
        "operating.py",  # figures of the server: for who operates it
        "work.py",
    }
    assert found <= known, found - known
    assert page.take_away
