"""The house of ARCHITECTURE.md, held by reading the source: layers, one-file rules, page length, words, mirrors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ANALYTICS = ROOT / "analytics"
PAGES = sorted((ROOT / "app_pages").glob("*.py"))
SOURCES = sorted(
    path
    for folder in ("analytics", "app_pages", "sample_data", "benchmarks", "serving", "store")
    for path in (ROOT / folder).rglob("*.py")
)

# Lower layers first; a module may import from its own layer only where the second item says so.
LAYERS: tuple[tuple[frozenset[str], bool], ...] = (
    (frozenset({"errors", "keys", "schema", "dataset", "mapped", "progress"}), True),
    (frozenset({"reading", "mapping", "quality", "privacy", "integration", "connecting"}), True),
    (
        frozenset(
            {
                "btyd",
                "calendar",
                "contrasts",
                "customers",
                "demand",
                "population",
                "reductions",
                "reversals",
                "rhythm",
                "traits",
            }
        ),
        True,
    ),
    (
        frozenset(
            {
                "segmentation",
                "personas",
                "lifecycle",
                "forecasting",
                "behaviour",
                "usage",
                "portrait",
                "survival",
                "churn",
                "value",
                "product_life",
            }
        ),
        False,
    ),
    (frozenset({"charts", "workspace"}), False),
    (frozenset({"export"}), False),
)
LEAF = "i18n"
MAY_USE_WORDS = {"charts", "export", "workspace", "i18n"}
BANNED_NAMES = {"utils", "helpers", "manager", "handler", "misc"}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def area(path: Path) -> str:
    """The module or package right below ``analytics``."""
    return path.relative_to(ANALYTICS).parts[0].removesuffix(".py")


def layer_of(name: str) -> int:
    return next(i for i, (names, _) in enumerate(LAYERS) if name in names)


def analytics_imports(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("analytics.") and len(name.split(".")) > 1}


def test_every_module_of_analytics_has_a_layer() -> None:
    known = {name for names, _ in LAYERS for name in names} | {LEAF, "__init__"}
    assert {area(path) for path in ANALYTICS.rglob("*.py")} <= known


@pytest.mark.parametrize("path", sorted(ANALYTICS.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    here = area(path)
    if here in {LEAF, "__init__"}:
        assert analytics_imports(path) <= {LEAF}
        return
    for name in analytics_imports(path) - {here}:
        if name == LEAF:
            assert here in MAY_USE_WORDS, f"{here} chooses words: it should return codes"
            continue
        theirs, ours = layer_of(name), layer_of(here)
        assert theirs < ours or (theirs == ours and LAYERS[ours][1]), f"{here} imports {name}, which is not below it"


@pytest.mark.parametrize("path", sorted(ANALYTICS.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_streamlit_and_no_page_below_the_line(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"streamlit", "app_pages", "app", "frame", "sample_data", "benchmarks", "serving", "store"}


@pytest.mark.parametrize("path", sorted((ROOT / "store").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_store_knows_choices_and_no_analysis(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"streamlit", "starlette", "app_pages", "app", "frame", "sample_data", "benchmarks", "serving"}
    assert analytics_imports(path) <= {"errors", "keys", "workspace", "i18n", "privacy", "reading"}


@pytest.mark.parametrize("path", sorted((ROOT / "serving").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_stands_around_the_pages_knows_none_of_them(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"app_pages", "app", "frame", "sample_data", "benchmarks"}


def test_the_generator_of_planted_truth_does_not_know_the_methods() -> None:
    for path in (ROOT / "sample_data").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & {"analytics", "app_pages", "streamlit"}, path.name


def mentions(path: Path, *names: str) -> bool:
    """Whether the code (not a docstring) uses an attribute of one of these names."""
    return any(isinstance(node, ast.Attribute) and node.attr in names for node in ast.walk(parse(path)))


def test_one_package_touches_session_state_and_the_url() -> None:
    users = [path for path in [*SOURCES, ROOT / "frame.py"] if mentions(path, "session_state", "query_params")]
    assert {path.relative_to(ROOT).parent.as_posix() for path in users} == {"app_pages/ui/session"}


def test_one_file_holds_the_streamlit_cache() -> None:
    users = [path for path in [*SOURCES, ROOT / "frame.py"] if mentions(path, "cache_resource", "cache_data")]
    assert [path.relative_to(ROOT).as_posix() for path in users] == ["app_pages/ui/compute.py"]


def test_the_frame_is_one() -> None:
    assert len((ROOT / "frame.py").read_text(encoding="utf-8").splitlines()) <= 70


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_short_asks_a_question_and_holds_no_arithmetic(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    question = ast.get_docstring(parse(path))
    assert "?" in (question or ""), "the docstring is the question that the page answers"
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"polars", "pandas", "numpy", "altair", "sklearn", "prophet", "scipy"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_idea(path: Path) -> None:
    assert not set(path.relative_to(ROOT).with_suffix("").parts) & BANNED_NAMES
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600
    if path.stat().st_size:
        assert ast.get_docstring(parse(path)), f"{path.name} does not say what it is for"


# ---- words -----------------------------------------------------------------------------------------------------

MARKS = {"_", "N_", "ngettext", "phrase", "label"}
SPEAKING = [
    *PAGES,
    *sorted((ROOT / "app_pages" / "ui").rglob("*.py")),
    *sorted((ANALYTICS / "charts").glob("*.py")),
    *sorted((ANALYTICS / "export").glob("*.py")),
]
# Two words of letters with a space between: a sentence, not a code. Vega expressions hold operators or brackets.
SENTENCE = re.compile(r"[A-Za-z]{2,}[,:]? [A-Za-z]{2,}")
NOT_WORDS = re.compile(r"datum|luminance|[<>=?]{1,2} |scale\(|\bexpr\b|sans-serif|%[a-zA-Z-]")


def unmarked_sentences(path: Path) -> Iterator[tuple[int, str]]:
    tree = parse(path)
    exempt: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            logs = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "LOG"
            if called in MARKS or logs or called.endswith(("Error", "compile")):
                exempt |= {
                    id(inner)
                    for argument in [*node.args, *(k.value for k in node.keywords)]
                    for inner in ast.walk(argument)
                    if isinstance(inner, ast.Constant)
                }
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            exempt.add(id(node.body[0].value))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            exempt.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in exempt:
            text = node.value
            if SENTENCE.search(text) and not NOT_WORDS.search(text) and not text.startswith("["):
                yield node.lineno, text


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_outside_the_marks_for_translation(path: Path) -> None:
    assert list(unmarked_sentences(path)) == []


def test_the_search_for_unmarked_sentences_finds_one(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        '"""A page."""\nst.title("Nobody translated this")\nst.title(_("This is marked"))\n', encoding="utf-8"
    )
    assert list(unmarked_sentences(bad)) == [(2, "Nobody translated this")]


# ---- mirrors ---------------------------------------------------------------------------------------------------


def has_test(path: Path) -> bool:
    """``analytics/x.py`` -> ``tests/test_x.py`` or ``tests/x/``; a package's modules may share its tests."""
    inner = path.relative_to(ANALYTICS).with_suffix("")
    places = [ROOT / "tests" / inner.parent / f"test_{inner.name}.py", ROOT / "tests" / inner.parent]
    if len(inner.parts) > 1:
        places += [ROOT / "tests" / f"test_{inner.parts[0]}.py", ROOT / "tests" / inner.parts[0]]
        return any(place.exists() for place in places[:1]) or any(
            place.is_file() or (place.is_dir() and any(place.glob("test_*.py"))) for place in places[1:]
        )
    return places[0].exists() or (ROOT / "tests" / inner.name).is_dir()


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(ANALYTICS.rglob("*.py")) if path.name not in {"__init__.py", "__main__.py"}],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_module_has_its_tests(path: Path) -> None:
    assert has_test(path), f"no test mirrors {path.relative_to(ROOT)}"


def test_nothing_in_the_repository_names_a_registry_or_a_machine() -> None:
    places = re.compile(r"pypi" + r"\.org|registry\.npmjs|/home" + r"/\w|/work" + r"/main")
    texts = [
        path
        for path in ROOT.rglob("*")
        if path.suffix in {".py", ".toml", ".md", ".po", ".json", ""} and path.is_file()
    ]
    for path in texts:
        if set(path.relative_to(ROOT).parts) & {
            ".venv",
            ".git",
            "out",
            "uv.lock",
            ".mypy_cache",
            ".ruff_cache",
            ".hypothesis",
            ".pytest_cache",
            "__pycache__",
        }:
            continue
        assert not places.search(path.read_text(encoding="utf-8", errors="ignore")), path.relative_to(ROOT)
