"""The house stays liveable: files of about 400 lines, functions of about 50. Past that a concept is missing."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES, FUNCTION_LINES = 400, 50
PRODUCT = sorted(path for room in ("services", "gateway", "infra") for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name)


def long_files(paths: list[Path], most: int) -> list[str]:
    return [_name(path) for path in paths if len(path.read_text().splitlines()) > most]


def long_functions(path: Path, most: int) -> list[str]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        f"{_name(path)}:{node.lineno} {node.name}"
        for node in functions
        if (node.end_lineno or node.lineno) - node.lineno > most
    ]


def test_no_file_is_long() -> None:
    assert PRODUCT, "the product was not found"
    assert long_files(PRODUCT + TESTS, FILE_LINES) == []


def test_no_function_of_the_product_is_long() -> None:
    written = [path for path in PRODUCT if "versions" not in path.parts]  # Alembic writes the others
    assert [name for path in written for name in long_functions(path, FUNCTION_LINES)] == []


def test_a_long_file_and_a_long_function_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("def long():\n" + "    pass\n" * 401)
    assert long_files([path], FILE_LINES) == ["long.py"]
    assert long_functions(path, FUNCTION_LINES) == ["long.py:1 long"]
