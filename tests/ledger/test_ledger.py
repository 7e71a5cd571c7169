"""The kit's own ledger, walked both ways, and what the walk finds in wrong ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue import strict_yaml
from luma_conformance.cli.ledger_names import own_names
from luma_conformance.errors import CatalogueError
from luma_conformance.ledger import grammar
from luma_conformance.ledger.coverage import count, count_of, find_problems
from luma_conformance.ledger.ledger import CARRIERS, Ledger, titles
from luma_conformance.rules import RULES
from tests.cli.commands import Output, printed, ran

LEDGER = grammar.load()
SCHEMA = json.loads((casefiles.specs() / grammar.SCHEMA).read_text(encoding="utf-8"))
NAMES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(CARRIERS, ()),
    "cases": ("create/400-size/big", "create/400-size/small"),
    "rules": ("size",),
    "miniatures": ("rules/size/never", "rules/shape/never"),
}
SMALL = """
page: https://docs.example/errors
sections:
  - heading: 400 — Size
    statements:
      - says: Big is refused.
        digest: 0123456789ab/14
        cases: [create/400-size/*]
        rules: [size]
        miniatures: [rules/size]
      - says: This is the end.
        digest: ba9876543210/9
        reason: It demands nothing.
beyond: []
"""


def read(text: str) -> Ledger:
    """Return the ledger in a text."""
    return grammar.read_ledger(strict_yaml.parse(text, "ledger.yaml"))


def problems(old: str, new: str, names: Mapping[str, tuple[str, ...]] = NAMES) -> list[str]:
    """Return what is wrong with the small ledger after a replacement, of which there must be one."""
    assert old in SMALL
    return [str(one) for one in find_problems(read(SMALL.replace(old, new)), names)]


def test_every_statement_of_the_page_is_carried_or_excluded_with_a_reason() -> None:
    """The kit's own ledger has no problem either way: nothing uncarried, no dead name, nothing without ground."""
    whole = count_of("all", LEDGER.statements)

    assert [str(one) for one in find_problems(LEDGER, own_names())] == []
    assert whole.missing == 0
    assert whole.total >= 350
    assert whole.carried >= 0.85 * whole.total


def test_the_counts_of_the_sections_make_up_the_whole() -> None:
    """No statement is counted twice, and none is left out."""
    assert sum(one.total for one in count(LEDGER)) == len(LEDGER.statements)


def test_the_ledger_has_every_heading_that_others_name() -> None:
    """The catalogue, the rules and their sections rest on headings that the ledger has, but for one family of them."""
    known = {title for section in LEDGER.sections for title in titles(section)} | {*LEDGER.sections}
    catalogue = {section.heading for section in casefiles.own().sections.values()}

    assert catalogue - known == set()
    assert {rule.heading for rule in RULES} - known == set()


def test_a_reason_says_something() -> None:
    """Reasons and exceptions are sentences, and what the ledger says is worded as one or as an answer."""
    notes = [note for one in LEDGER.statements for note in (one.reason, one.exception) if note is not None]
    notes += [one.reason for one in LEDGER.beyond]

    assert [note for note in notes if not note.endswith(".") or len(note) < 20] == []


def test_the_schema_accepts_the_ledger_and_has_the_keys_of_the_reader() -> None:
    """An editor and the reader agree on what a ledger is."""
    Draft202012Validator.check_schema(SCHEMA)
    file = casefiles.specs() / grammar.NAME
    errors = Draft202012Validator(SCHEMA).iter_errors(strict_yaml.read(file).data)
    keys = {name: sorted(one["properties"]) for name, one in SCHEMA["$defs"].items()}

    assert [f"{error.json_path}: {error.message}" for error in errors] == []
    assert file.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema={grammar.SCHEMA}\n")
    assert keys == {
        "file": sorted(grammar.FILE_KEYS),
        "section": sorted(grammar.SECTION_KEYS),
        "statement": sorted(grammar.STATEMENT_KEYS),
        "beyond": sorted(grammar.BEYOND_KEYS),
    }


def test_a_sound_ledger_has_no_problems() -> None:
    """The small ledger is sound as it stands."""
    assert problems("", "") == []


def test_a_statement_that_nobody_carries_is_a_problem() -> None:
    """Neither a carrier nor a reason: the line of the statement is told."""
    [found] = problems("        reason: It demands nothing.\n", "")

    assert found == "ledger.yaml:11: nothing carries 'This is the end.'; name what does, or give a reason"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("create/400-size/*", "create/400-siez/*", "none of the cases is create/400-siez/*; did you mean"),
        ("rules: [size]", "rules: [length, size]", "none of the rules is length; there are size"),
        ("[rules/size]", "[rules/weight]", "none of the miniatures is rules/weight"),
    ],
)
def test_a_name_that_leads_nowhere_is_a_problem(old: str, new: str, said: str) -> None:
    """A carrier that does not exist is told, with the nearest that does."""
    assert said in problems(old, new)[0]


def test_a_case_that_no_statement_names_is_a_problem() -> None:
    """A new case of a section is covered by the section's pattern, a new file by none."""
    new_case = {**NAMES, "cases": (*NAMES["cases"], "create/400-size/middling")}
    new_file = {**NAMES, "cases": (*NAMES["cases"], "create/400-colour/red")}
    new_rule = {**NAMES, "rules": (*NAMES["rules"], "colour")}

    assert problems("", "", new_case) == []
    for names, name in ((new_file, "create/400-colour/red"), (new_rule, "colour")):
        [found] = problems("", "", names)
        assert f"no statement is carried by {name}" in found


def test_a_pattern_for_many_files_covers_none_of_them() -> None:
    """A row of a table may name a family of files; a new file of that family still needs a statement of its own."""
    assert len(problems("create/400-size/*", "create/400-*")) == 2


def test_what_rests_on_no_statement_has_its_reason_beyond() -> None:
    """A case named there, with the reason, is no problem."""
    other = {**NAMES, "cases": (*NAMES["cases"], "create/400-colour/red")}
    entry = "beyond:\n  - {cases: [create/400-colour/*], reason: Another document says so.}"

    assert problems("beyond: []", entry, other) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0123456789ab/14", "0123456789ab", "digest should be twelve hexadecimal digits, a slash, and"),
        ("says: Big is refused.", "say: Big is refused.", "did you mean says?"),
        ("        rules: [size]\n", "        reason: r\n", "needs no reason; leave one of the two out"),
        ("page: https://docs.example/errors\n", "", "page is missing"),
        ("rules: [size]", "rules: size", "rules should be a list"),
    ],
)
def test_a_ledger_that_is_not_in_order_is_told_with_its_places(old: str, new: str, said: str) -> None:
    """Every problem of a file has its line, and words that lead to the fix."""
    assert old in SMALL
    with pytest.raises(CatalogueError, match=r"ledger\.yaml:\d+") as caught:
        read(SMALL.replace(old, new))
    assert said in str(caught.value)


def test_the_command_counts_by_section(capsys: Output) -> None:
    """Each section has its counts, the whole page has them last, and all is well."""
    lines = printed(capsys, "ledger").splitlines()

    assert lines[0].split() == ["carried", "excluded", "nobody", "section"]
    assert "       3        0        0  400 — Prompt too short (empty)" in lines
    assert lines[-1].split()[2] == "0"
    assert lines[-1].endswith(LEDGER.page)


def test_the_command_shows_the_statements_of_a_section_and_those_of_a_case(capsys: Output) -> None:
    """A word of a heading selects its section, an id what it carries; what nothing matches is said."""
    section = printed(capsys, "ledger", "payment")
    carried = printed(capsys, "ledger", "--carried-by", "create/402-payment-required/image")

    assert section.startswith("402 — Payment Required\n")
    assert "    scenarios  refused/402-*, 429/then-refused\n" in section
    assert "Quick reference\n" in carried
    assert "402 — Payment Required\n" in carried
    assert ran(["ledger", "no such heading"]) == 4
    assert "`luma-conformance ledger` lists the sections" in capsys.readouterr().err


def test_the_command_writes_json(capsys: Output) -> None:
    """The same as data, for other programs."""
    data = json.loads(printed(capsys, "ledger", "--format", "json"))

    assert len(data["statements"]) == len(LEDGER.statements)
    assert data["problems"] == []
    assert {one["section"] for one in data["sections"]} <= {*LEDGER.sections}


def test_the_command_fails_for_a_wrong_ledger(capsys: Output, tmp_path: Path) -> None:
    """A ledger with a statement that nobody carries is red, with the statement."""
    file = tmp_path / "ledger.yaml"
    file.write_text(SMALL.replace("        reason: It demands nothing.\n", ""), encoding="utf-8")

    assert ran(["ledger", "--file", str(file)]) == 1
    assert "nothing carries 'This is the end.'" in capsys.readouterr().out
    file.write_text("page: 5\n", encoding="utf-8")
    assert ran(["ledger", "--file", str(file)]) == 1
    assert "sections is missing" in capsys.readouterr().out
