"""The score of miniatures: counts, what one part adds, and few parts that do."""

from __future__ import annotations

from luma_conformance.miniatures.miniature import Area, Miniature, around
from luma_conformance.miniatures.score import Finding, Score, find_smallest, section_of


def finding(name: str, *parts: str, area: Area = Area.RULES, equivalent: str | None = None) -> Finding:
    """Return a finding on a miniature that these parts accuse."""
    make = around(lambda handle: handle)
    made = Miniature(name=name, says="It is wrong.", heading="h", area=area, make=make, equivalent=equivalent)
    return Finding(miniature=made, accused_by=parts)


def test_a_score_counts_what_is_wrong_and_found() -> None:
    """Variants and equivalents are no part of the score, but accusing one is a false alarm."""
    score = Score(
        findings=(
            finding("a", "x/1"),
            finding("b"),
            finding("c", area=Area.VARIANTS),
            finding("d", equivalent="nobody can tell"),
        )
    )

    assert [one.miniature.name for one in score.survivors] == ["b"]
    assert score.by_area() == {"rules": (1, 2)}
    assert (score.false_alarms, score.reaches(100)) == ((), False)


def test_a_full_score_needs_every_kill_and_no_false_alarm() -> None:
    """An accused variant or equivalent spoils a score that is otherwise full."""
    assert Score(findings=(finding("a", "x/1"), finding("c", area=Area.VARIANTS))).reaches(100)
    assert not Score(findings=(finding("a", "x/1"), finding("c", "x/1", area=Area.VARIANTS))).reaches(100)
    assert not Score(findings=(finding("a", "x/1"), finding("d", "x/1", equivalent="nobody can tell"))).reaches(100)


def test_a_lower_share_may_be_enough_but_never_with_a_false_alarm() -> None:
    """One of two kills is half; half is less than half and a little more; an accused variant spoils any share."""
    half = (finding("a", "x/1"), finding("b"))

    assert [Score(findings=half).reaches(share) for share in (0, 50, 50.001, 100)] == [True, True, False, False]
    assert not Score(findings=(*half, finding("c", "x/1", area=Area.VARIANTS))).reaches(0)


def test_a_part_that_alone_accuses_something_is_named() -> None:
    """What one part adds is what nothing else accuses."""
    score = Score(findings=(finding("a", "x/1"), finding("b", "x/1", "x/2"), finding("c", "x/2", "y/3")))

    assert score.alone() == {"x/1": 1}
    assert score.matrix() == {"rules": {"x": 3, "y": 1}}


def test_the_summary_has_a_column_for_each_folder() -> None:
    """A service counts once in the column of a folder, however many of its sections accuse it."""
    score = Score(findings=(finding("a", "create/400-a/1", "create/400-b/2", "properties/limits/test_x[a/b]"),))

    assert score.summary() == {"rules": {"create": 1, "properties": 1}}


def test_the_smallest_set_keeps_the_kills_at_the_lowest_cost() -> None:
    """Few parts are chosen that accuse all that may be accused; of equals, the cheapest; in the order of the suite."""
    found = [finding("a", "1", "2"), finding("b", "2", "3"), finding("c", "4", "5"), finding("d", "dear")]

    assert find_smallest(found, {"1": 1, "2": 1, "3": 1, "4": 7, "5": 2}, ["5", "4", "3", "2", "1"]) == ("5", "2")


def test_a_section_is_what_stands_before_the_name() -> None:
    """A case belongs to its file, a property to its subject, whatever stands in its brackets."""
    assert section_of("create/400-keyframes/negative-index") == "create/400-keyframes"
    assert section_of("properties/validation/test_a_rule[a/b]") == "properties/validation"
