"""What must not be in the repository, and what only one place may do."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.house.sources import ROOT, SOURCES, module

REGISTRIES = (
    ".".join(("pypi", "org")),
    ".".join(("files", "pythonhosted", "org")),
    ".".join(("registry", "npmjs", "org")),
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_registry_host() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if any(host in path.read_bytes().decode("utf-8", errors="replace") for host in REGISTRIES)
    ]
    assert not found


def test_no_tracked_file_is_a_lock_of_another_tool() -> None:
    # The test node's lock has hashes and no host: `tests/anvil/.npmrc` leaves them out, and the test above holds it.
    locks = [path for path in tracked() if path.name in ("uv.lock", "package-lock.json")]
    assert [path.relative_to(ROOT) for path in locks] in ([], [Path("tests/anvil/package-lock.json")])


def test_nothing_large_is_tracked() -> None:
    assert not [str(path) for path in tracked() if path.stat().st_size > 400_000]


def test_only_the_clock_reads_time() -> None:
    assert [path.name for path in SOURCES if "time" in module(path).imports] == ["clock.py"]


def test_only_runs_seed_chance() -> None:
    seeds = [
        path
        for path in SOURCES
        if re.search(r"default_rng|np\.random\.seed|SeedSequence", path.read_text(encoding="utf-8"))
    ]
    assert not [path for path in seeds if path.parent.name != "runs"]
    assert not [path for path in SOURCES if "random" in module(path).imports]


def test_errors_are_caught_by_name() -> None:
    broad = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"except\s*:|except (Base)?Exception", path.read_text(encoding="utf-8"))
    ]
    # A command tells whatever it died of; the guard stops itself, whatever failed inside.
    assert broad == ["src/perpbook/cli/output.py", "src/perpbook/guard/guard.py"]


def test_no_test_is_skipped_without_a_reason() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "pytest.skip" in text or "pytest.mark.skip" in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("pytest.skip", "pytest.mark.skip")):
                reasons = [word.value for word in node.keywords if word.arg == "reason"]
                assert reasons or (node.args and not isinstance(node.args[0], ast.Compare)), path


def test_no_page_of_ours_loads_anything_from_elsewhere() -> None:
    for path in (ROOT / "src").rglob("*"):
        if path.suffix in (".jinja", ".css", ".js", ".html"):
            assert not re.search(r"(src|href)\s*=\s*[\"']https?:|@import|url\(\s*[\"']?https?:", path.read_text()), path


def loaded_after(code: str) -> set[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PERPBOOK_KERNELS": "compiled"}
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}}, file=sys.stderr)"],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    return set(run.stderr.split())


def test_help_imports_nothing_heavy() -> None:
    heavy = {
        "numpy",
        "numba",
        "scipy",
        "pydantic",
        "rich",
        "plotly",
        "jinja2",
        "highspy",
        "tomlkit",
        "tree_sitter",
        "polars",
        "httpx",
    }
    assert not heavy & loaded_after("from typer.testing import CliRunner\nimport perpbook.cli.main")


def test_validating_a_playbook_needs_no_compiler() -> None:
    code = "from perpbook.playbook.load import parse_playbook\nparse_playbook('schema_version = 1', 'x')"
    assert not {"numba", "numpy", "plotly"} & loaded_after(code)


def test_words_to_a_guard_wait_for_no_compiler() -> None:
    assert not {"numba", "scipy", "alembic", "rich"} & loaded_after("import perpbook.runs.guard_people")
