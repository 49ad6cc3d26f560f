"""What stands behind the static security check: no exception without its reason, no assert that checks input."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = ("analytics", "app_pages", "store", "serving", "sample_data", "benchmarks")
SOURCES = [path for folder in CHECKED for path in sorted((ROOT / folder).rglob("*.py"))]
SOURCES += [ROOT / "app.py", ROOT / "frame.py"]
EXPLAINED = re.compile(r"# nosec B\d{3}(, B\d{3})* # \w.{8,}")


def unexplained(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if "nosec" in line and not EXPLAINED.search(line)]


def narrows(test: ast.expr) -> bool:
    """Whether an assert tells the type checker what is so: ``is not None``, ``isinstance``, one of some literals."""
    match test:
        case ast.Compare(ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return True
        case ast.Compare(ops=[ast.In()], comparators=[ast.Tuple(elts=elements)]):
            return all(isinstance(element, ast.Constant) for element in elements)
        case ast.Call(func=ast.Name(id="isinstance")):
            return True
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(narrows(part) for part in parts)
    return False


def test_every_exception_of_the_check_says_which_and_why() -> None:
    assert unexplained("a = 1  # nosec") == ["a = 1  # nosec"]
    assert unexplained("a = 1  # nosec B608") == ["a = 1  # nosec B608"]
    found = {path.name: lines for path in SOURCES if (lines := unexplained(path.read_text(encoding="utf-8")))}
    assert found == {}


def test_the_check_leaves_out_two_rules_only() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["bandit"]
    assert settings == {"skips": ["B101", "B404"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x is not None", True),
        ("isinstance(x, date)", True),
        ("x in ('a', 'b')", True),
        ("x in allowed", False),
        ("x > 0", False),
        ("may(person)", False),
        ("x is not None and x > 0", False),
    ],
)
def test_what_an_assert_may_say(text: str, expected: bool) -> None:
    assert narrows(ast.parse(text, mode="eval").body) is expected


def test_no_assert_checks_input() -> None:
    """Asserts vanish under ``python -O``: what a user sends is never checked by one."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) and not narrows(node.test)
    ]
    assert found == []
