"""The grammar: what a section file means, and what is said of one that means nothing."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance import matching
from luma_conformance.catalogue.expectations import read_matcher
from luma_conformance.catalogue.grammar import (
    CASE_KEYS,
    FILE_KEYS,
    Section,
    find_placeholders,
    match_placeholder,
    read_all,
    read_section,
)
from luma_conformance.catalogue.strict_yaml import parse
from luma_conformance.errors import CatalogueError
from luma_conformance.matching import Exactly, Like, Members
from luma_conformance.model import ABSENT, Auth, Case, Place, Repeat
from luma_conformance.reading.document import Node, Problems, Source
from tests.kit import same_examples
from tests.verdicts import SHOW

HEAD = """\
section: 400 — Invalid thing
operation: POST /v1/generations
accepted: {model: ray-3.2, image_ref: [{url: a}]}
status: 400
cases:
"""
THINGS = "section: Things\noperation: DELETE /v1/things\nstatus: 405\ncases:\n"
LOOKUP = """\
section: 404 — Not found
operation: GET /v1/generations/{generation_id}
status: 404
cases:
"""


def section(text: str) -> Section:
    """Return the section in a text, its cases below `create/400-thing`."""
    return read_section(parse(text, "f.yaml"), "create/400-thing")


def only(case: str, head: str = HEAD) -> Case:
    """Return the case that these members, in the flow style of YAML, make."""
    return section(f"{head}  - {{id: a, title: t, {case}}}\n").cases[-1]


def own(members: str, roles: tuple[str, ...] | None) -> Case:
    """Return a case with these members, read where these roles are declared, or where any may be."""
    return read_section(parse(f"{HEAD}  - {{id: a, title: t, {members}}}\n", "f.yaml"), "n", roles).cases[-1]


@pytest.mark.parametrize("roles", [("our-key", "our-prompt"), None])
def test_a_declared_role_may_be_needed_like_any_other(roles: tuple[str, ...] | None) -> None:
    """It stands for a key or a value; a run, which reads its files before any profile, takes every name for one."""
    case = own("needs: [our-key, our-prompt], request: {auth: our-key, body: {prompt: '{our-prompt}'}}", roles)

    assert case.needs == ("our-key", "our-prompt")
    assert case.steps[0].ask.auth == Auth(role="our-key")


@pytest.mark.parametrize(
    ("roles", "members", "why"),
    [
        (("our-key",), "request: {auth: our-key}", '"our-key" is used but not needed; add it to needs'),
        (None, "request: {auth: our-key}", 'unknown key role "our-key"; did you mean'),
        (None, "request: {auth: revoked}", 'unknown key role "revoked"; did you mean revoked-key?'),
        (None, "request: {body: {prompt: '{our-prompt}'}}", 'unknown placeholder "our-prompt"'),
        (None, "needs: [Our Key]", 'unknown role "Our Key"'),
        (("our-key",), "needs: [our-keys]", 'unknown role "our-keys"'),
        (None, "needs: [ours], steps: [{status: 201, save: {ours: id}}]", '"ours" cannot be saved under'),
    ],
)
def test_a_misspelt_role_is_refused_where_the_file_shows_it(
    roles: tuple[str, ...] | None, members: str, why: str
) -> None:
    """A misspelt name is refused wherever the file itself shows that it is one."""
    with pytest.raises(CatalogueError, match=re.escape(why)):
        own(members, roles)


def refusal(text: str) -> list[str]:
    """Return the lines of the message with which a text is refused."""
    with pytest.raises(CatalogueError) as refused:
        section(text)
    return str(refused.value).splitlines()


def case_refusal(case: str, head: str = HEAD) -> list[str]:
    """Return the message about a file with one case of these members, without its place."""
    lines = refusal(f"{head}  - {{id: a, title: t, {case}}}\n")
    return [re.sub(r"^f\.yaml:\d+:\d+: ", "", line) for line in lines]


def test_a_section_lists_its_control_and_then_its_cases() -> None:
    """The control comes first; ids are the file's name and the slug; the heading is every case's section."""
    found = section(f"{HEAD}  - {{id: b, title: second}}\n  - {{id: a, title: third}}\n")

    assert found.heading == "400 — Invalid thing"
    assert [case.id for case in found.cases] == ["create/400-thing/control", "create/400-thing/b", "create/400-thing/a"]
    assert [case.status for case in found.cases] == [201, 400, 400]
    assert [case.place for case in found.cases] == [Place("f.yaml", 3), Place("f.yaml", 6), Place("f.yaml", 7)]
    assert {case.section for case in found.cases} == {"400 — Invalid thing"}
    assert found.cases[1].slug == "b"
    assert found.cases[1].operation == "POST /v1/generations"


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ("set: {model: x}", {"model": "x", "image_ref": [{"url": "a"}]}),
        ("set: {'image_ref[0].url': 16:9}", {"model": "ray-3.2", "image_ref": [{"url": "16:9"}]}),
        ("set: {'image_ref[1]': {}, seed: null}", {"model": "ray-3.2", "image_ref": [{"url": "a"}, {}], "seed": None}),
        ("unset: [model]", {"image_ref": [{"url": "a"}]}),
        ("unset: ['image_ref[0].url'], set: {n: 1}", {"model": "ray-3.2", "image_ref": [{}], "n": 1}),
    ],
)
def test_a_case_changes_its_control_only_at_set_and_unset(changes: str, body: object) -> None:
    """`set` and `unset` change the control at field paths, and nothing else of it."""
    ask = only(changes).steps[0].ask

    assert (ask.method, ask.url, ask.auth, ask.body) == ("POST", "/v1/generations", Auth(role="main-key"), body)


@pytest.mark.parametrize(
    ("head", "request_", "sent"),
    [
        (HEAD, "{}", ("POST", "/v1/generations", {"model": "ray-3.2", "image_ref": [{"url": "a"}]})),
        (HEAD, "{body: []}", ("POST", "/v1/generations", [])),
        (HEAD, "{path: /v1/generations/x}", ("GET", "/v1/generations/x", ABSENT)),
        (HEAD, "{method: DELETE, path: /v1/x}", ("DELETE", "/v1/x", ABSENT)),
        (THINGS, "{}", ("DELETE", "/v1/things", ABSENT)),
        (LOOKUP, "{path: /v1/generations/x}", ("GET", "/v1/generations/x", ABSENT)),
    ],
)
def test_a_request_falls_back_on_the_file(head: str, request_: str, sent: object) -> None:
    """A request falls back on the control, a request elsewhere is a GET without a body."""
    ask = only(f"request: {request_}", head).steps[0].ask

    assert (ask.method, ask.url, ask.body) == sent


@pytest.mark.parametrize(
    ("given", "auth"),
    [
        ("auth: none", Auth()),
        ("auth: other-key", Auth(role="other-key")),
        ("auth: {key: main-key, scheme: Basic}", Auth(role="main-key", scheme="Basic")),
        ('auth: {key: main-key, scheme: ""}', Auth(role="main-key", scheme="")),
        ("auth: {token: luma-api-none}", Auth(token="luma-api-none")),
        ("headers: {X-Request-Id: null, X-A: b}", Auth(role="main-key")),
        ('url: "{first}"', Auth()),
    ],
)
def test_a_request_says_how_it_presents_a_key(given: str, auth: Auth) -> None:
    """The main key goes with every request that does not say otherwise, and never to a whole URL."""
    steps = f"steps: [{{save: {{first: id}}, status: 201}}, {{request: {{{given}}}, status: 401}}]"

    assert only(f"needs: [other-key], {steps}").steps[1].ask.auth == auth


def test_a_null_header_is_withheld() -> None:
    """A header whose value is null stays apart from one that is sent."""
    ask = only("request: {headers: {X-Request-Id: null, X-A: b}}").steps[0].ask

    assert ask.headers == {"X-Request-Id": None, "X-A": "b"}


def test_steps_can_wait_repeat_save_and_refer_back() -> None:
    """A step has its own expectations; a later one names what an earlier one saved."""
    case = only(
        "needs: [fast-clock], erratum: e, steps: ["
        "{set: {prompt: x}, status: 201, save: {generation: id}}, "
        '{request: {path: "/v1/generations/{generation}"}, wait: 1.5, status: 200, '
        "repeat: {until: {state: failed}, every: 2, at_most: 150}, body: {id: {$same: generation}}}, "
        "{status: 429, repeat: {until: {status: 429}, at_most: 9, meanwhile: [201, 402]}}]"
    )
    create, poll, exhaust = case.steps

    assert case.needs == ("fast-clock",)
    assert case.erratum == "e"
    assert create.save == {"generation": "id"}
    assert poll.ask.url == "/v1/generations/{generation}"
    assert poll.wait == 1.5
    assert poll.repeat == Repeat(until_state="failed", every=2, at_most=150, meanwhile=(200,))
    assert exhaust.repeat == Repeat(until_status=429, at_most=9, meanwhile=(201, 402))
    assert case.cost == 1 + 9


def test_expectations_are_read_from_their_keys() -> None:
    """Status lists, templates, matchers and wording are read as the grammar has them."""
    expect = (
        only(
            "status: [400, 422], detail_like: 'Unknown {x}', wording: may-vary, "
            "headers: {Retry-After: {$at_least: 1}}, absent_headers: [X-A], body: {a: [1, {$is: 'null'}]}"
        )
        .steps[0]
        .expect
    )

    assert expect.status == (400, 422)
    assert expect.detail == Like.of("Unknown {x}")
    assert expect.wording_may_vary
    assert expect.headers == {"Retry-After": matching.AtLeast(1)}
    assert expect.absent_headers == ("X-A",)
    assert expect.body == Members({"a": matching.Elements((Exactly(1), matching.Is("null")))})


@pytest.mark.parametrize(
    ("given", "matcher"),
    [
        ("{$is: uuid}", matching.Is("uuid")),
        ("{$is: null}", matching.Is("null")),
        ("{$like: 'a {b}'}", Like.of("a {b}")),
        ("{$pattern: '[a-z]+'}", matching.Pattern(re.compile("[a-z]+"))),
        ("{$one_of: [a, {$is: 'null'}]}", matching.OneOf((Exactly("a"), matching.Is("null")))),
        ("{$at_least: 0}", matching.AtLeast(0)),
        ("{$same: n}", matching.Same("n")),
        ("{$differs: n}", matching.Differs("n")),
        ("{$echo: X-Request-Id}", matching.Echo("X-Request-Id")),
        ("{}", Members({})),
        ("off", Exactly("off")),
    ],
)
def test_a_matcher_is_a_mapping_with_one_dollar_key(given: str, matcher: matching.Matcher) -> None:
    """Each `$` key is its matcher; anything else is itself."""
    source = parse(given, "f.yaml")

    assert read_matcher(Node(source.data, Problems("f.yaml"))) == matcher


@pytest.mark.parametrize("status", [100, 599])
def test_any_http_status_can_be_expected(status: int) -> None:
    """The first and the last number are statuses too."""
    assert only(f"status: {status}").status == status


def test_a_detail_is_a_text_or_a_matcher() -> None:
    """Where the page gives a choice of texts, a matcher holds them."""
    detail = only("detail: {$one_of: [a, b]}").steps[0].expect.detail

    assert detail == matching.OneOf((Exactly("a"), Exactly("b")))


def test_an_entry_of_holds_says_what_holds_and_on_which_answers() -> None:
    """An entry of `holds` narrows by operation, status and detail, and keeps its own heading."""
    found = section(
        "section: Every response\nholds:\n"
        "  - {id: a, title: t, section: Tracing, on: {operation: POST /v1/generations, status: 429, detail: d}, "
        "headers: {X-A: b}, absent_headers: [X-C], body: {detail: d}}\n"
        "  - {id: b, title: t}\n"
    )

    first, second = found.holdings
    assert found.cases == ()
    assert (first.section, first.operation, first.status, first.detail) == (
        "Tracing",
        "POST /v1/generations",
        (429,),
        "d",
    )
    assert (first.headers, first.absent_headers) == ({"X-A": Exactly("b")}, ("X-C",))
    assert (first.body, second.body) == (Members({"detail": Exactly("d")}), None)
    assert (second.section, second.operation, second.status, second.place) == (
        "Every response",
        None,
        None,
        Place("f.yaml", 4),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", ["f.yaml:1:1: a section file should be a mapping of names to values, not []"]),
        (
            "sectoin: x",
            [
                "f.yaml:1:1: a section file has cases, an accepted control, or both; this one has neither",
                "f.yaml:1:1: operation is missing",
                "f.yaml:1:1: section is missing",
                'f.yaml:1:1: unknown key in a section file "sectoin"; did you mean section?',
            ],
        ),
        (
            HEAD.replace("section: 400 — Invalid thing", "section: 400") + "  []\n",
            ['f.yaml:1:1: section should be a string, not 400; quote it if it is meant as text: "400"'],
        ),
        (
            HEAD.replace("POST ", "post ") + "  []\n",
            ['f.yaml:2:1: operation "post /v1/generations" is not a method and a path'],
        ),
        (
            HEAD.replace("{model: ray-3.2, image_ref: [{url: a}]}", "ray-3.2") + "  []\n",
            ['f.yaml:3:1: accepted should be a mapping of names to values, not "ray-3.2"'],
        ),
        (
            HEAD.replace("400\n", "4000\n") + "  []\n",
            ["f.yaml:4:1: status should be a number from 100 to 599, not 4000"],
        ),
        (HEAD + "  {}\n", ["f.yaml:5:1: cases should be a list, not {}"]),
        (
            HEAD + "  - {id: control, title: t}\n",
            ['f.yaml:6:6: the id "control" is taken in this file; ids are unique'],
        ),
        (
            HEAD + "  - {id: Not A Slug, title: t}\n",
            ['f.yaml:6:6: id "Not A Slug" is not a slug; use lower-case words joined by hyphens'],
        ),
        (
            HEAD.replace("ray-3.2", "'{image-url}'") + "  []\n",
            ['f.yaml:3:1: "image-url" is used but not needed; add it to needs'],
        ),
        (HEAD + "  - {id: a, title: []}\n", ["f.yaml:6:13: title should be a string, not []"]),
        (
            HEAD + "  - {title: true}\n",
            [
                "f.yaml:6:5: id is missing",
                'f.yaml:6:6: title should be a string, not true; quote it if it is meant as text: "true"',
            ],
        ),
        (
            "section: s\nholds:\n  - {id: a, title: t, on: {operation: create, stat: 1}}\ncases: []\n",
            [
                'f.yaml:3:28: operation "create" is not a method and a path',
                'f.yaml:3:47: unknown key in on "stat"; did you mean status?',
                "f.yaml:4:1: a file that says what holds on every response has no cases",
            ],
        ),
        (
            "section: s\nholds:\n  - {id: A b, title: t}\n  - {id: a, title: t}\n  - {id: a, title: u}\n",
            [
                'f.yaml:3:6: id "A b" is not a slug; use lower-case words joined by hyphens',
                'f.yaml:5:6: the id "a" is taken in this file; ids are unique',
            ],
        ),
    ],
)
def test_each_problem_of_a_file_is_reported_with_its_place(text: str, said: list[str]) -> None:
    """Each problem has file, line, column, the offending text and what would be right."""
    assert refusal(text) == said


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("statsu: 400", 'unknown key in a case "statsu"; did you mean status?'),
        ("zzz: 1", f'unknown key in a case "zzz"; there are {", ".join(sorted(CASE_KEYS))}'),
        ("status: '400'", 'status should be a number from 100 to 599, not "400"'),
        ("status: 600", "status should be a number from 100 to 599, not 600"),
        ("status: 99", "status should be a number from 100 to 599, not 99"),
        ("status: true", "status should be a number from 100 to 599, not true"),
        ("status: [400, x]", 'status should be a number from 100 to 599, not "x"'),
        ("status: []", "status should be a number from 100 to 599, not []"),
        ("needs: [revoked-kye]", 'unknown role "revoked-kye"; did you mean revoked-key?'),
        ("needs: revoked-key", 'needs should be a list, not "revoked-key"'),
        ("needs: [~]", "needs[0] is missing"),
        ("set: [model]", 'set should be a mapping of names to values, not ["model"]'),
        ("set: {'a..b': 1}", "'a..b' is not a field path; they look like image_ref[2].url"),
        ("set: {'image_ref[2]': 1}", "'image_ref[2]' does not fit the document at 2"),
        (f"set: {{? {'a.' * 500}a : 1}}", f"'{'a.' * 20}… 961 more characters' is not a field path; they have at"),
        ("unset: [promt]", "'promt' is not in the document, so it cannot be unset"),
        ("set: {prompt: '{inline-pgn}'}", 'unknown placeholder "inline-pgn"; did you mean inline-png?'),
        ("set: {prompt: '{queued-prompt}'}", '"queued-prompt" is used but not needed; add it to needs'),
        ("request: {auth: revoked-key}", '"revoked-key" is used but not needed; add it to needs'),
        ("needs: [other-key], set: {prompt: '{other-key}'}", '"other-key" is a key, which belongs under auth'),
        ("needs: [fast-clock], set: {prompt: '{fast-clock}'}", '"fast-clock" cannot be sent; list it under needs'),
        ("needs: [our-key]", 'unknown role "our-key"; did you mean other-key? A role of your own is declared in the'),
        ("needs: [qqq]", 'unknown role "qqq"; a role of your own is declared in the profile, [roles] qqq = "what'),
        ("request: {auth: revoked}", 'unknown key role "revoked"; did you mean revoked-key?'),
        ("request: {auth: '?'}", 'unknown key role "?"; there are deactivated-key, '),
        ("request: {auth: {}}", "auth is none, a key role, or an object with either key or token"),
        ("request: {auth: {kee: main-key}}", 'unknown key in request.auth "kee"; did you mean key?'),
        ("request: {auth: {token: x, scheme: 1}}", "request.auth.scheme should be a string, not 1"),
        ("request: {bdoy: {}}", 'unknown key in request "bdoy"; did you mean body?'),
        ("request: {method: get}", 'unknown method "get"; there are DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'),
        ("request: {method: GTE}", 'unknown method "GTE"; did you mean GET?'),
        ("request: {path: v1/x}", 'path "v1/x" does not begin with /; a whole URL goes under url'),
        ("request: {path: /v1/x, url: 'http://x'}", "path and url exclude each other; path is on the target"),
        ("request: {headers: {X-A: 2026}}", 'request.headers.X-A should be a string, not 2026; quote it'),
        ("request: {}, set: {a: 1}", "set changes the control, request replaces it; keep one"),
        ("detail: ~", "detail is missing"),
        ("detail: 404", 'detail should be a string, not 404; quote it if it is meant as text: "404"'),
        ("detail: {a: b}", 'detail should be a string or a matcher, not {"a": "b"}'),
        ("detail: {}", "detail should be a string or a matcher, not {}"),
        ("detail: a, detail_like: b", "detail and detail_like exclude each other; keep one"),
        ("wording: may-very", 'unknown wording "may-very"; did you mean may-vary?'),
        ("headers: {Retry-After: 60}", 'a header is text; quote it: "60"'),
        ("absent_headers: X-A", 'absent_headers should be a list, not "X-A"'),
        ("body: {id: {$id: uuid}}", 'unknown matcher "$id"; did you mean $is?'),
        ("body: {id: {$is: uid}}", 'unknown kind "uid"; did you mean uuid?'),
        ("body: {id: {$is: uuid, x: 1}}", "$is stands alone; move the other keys out"),
        ("body: {$pattern: '['}", '"[" is not a regular expression: unterminated character set at position 0'),
        ("body: {$pattern: 'a{99999999999}'}", '"a{99999999999}" is not a regular expression: the '),
        ("body: {$one_of: []}", "$one_of needs at least one choice"),
        ("body: {$at_least: 0.5}", "body.$at_least should be a whole number of at least 0, not 0.5"),
        ("body: [{$same: generation}]", 'unknown saved name "generation"; there are none'),
        ("body: {$same: generation}", 'unknown saved name "generation"; there are none'),
        ("headers: {X-A: {$differs: first}}", 'unknown saved name "first"; there are none'),
        ("erratum: ''", 'erratum should be a string that is not empty, not ""'),
        ("steps: []", "steps needs at least one step"),
        ("steps: [{status: 201}], detail: x", "a case with steps says detail in its steps"),
        ("steps: [{set: {a: 1}}]", "status is missing; every case says which status must come back"),
        ("steps: [{status: 201, sav: {a: id}}]", 'unknown key in a step "sav"; did you mean save?'),
        ("steps: [{status: 201, save: {image-url: id}}]", '"image-url" cannot be saved under; it is not a free name'),
        ("steps: [{status: 201, save: {A: id}}]", '"A" cannot be saved under; it is not a free name'),
        ("steps: [{status: 201, save: {a: b..c}}]", "'b..c' is not a field path; they look like image_ref[2].url"),
        ("steps: [{status: 201, wait: -1}]", "wait should be a number of at least 0, not -1"),
        ("steps: [{status: 201, wait: true}]", "wait should be a number of at least 0, not true"),
        ("steps: [{status: 200, repeat: {until: {status: 429}, at_most: 1.5}}]",
         "repeat.at_most should be a whole number of at least 1, not 1.5"),
        ("steps: [{status: 200, repeat: {until: {status: 429}}}]", "repeat.at_most is missing"),
        ("steps: [{status: 200, repeat: {until: {status: [200, 429]}, at_most: 1}}]",
         "until has a single status, not [200, 429]"),
        ("steps: [{status: 200, repeat: {until: {status: 429}, at_most: 1, meanwhile: null}}]",
         "repeat.meanwhile should be a number from 100 to 599, not null"),
        ("steps: [{status: 200, repeat: {until: {state: done}, at_most: 1}}]", 'unknown state "done"'),
        ("steps: [{status: 200, repeat: {until: {state: null}, at_most: 1}}]", 'repeat.until.state is missing'),
        ("steps: [{status: 200, repeat: {until: {}, at_most: 1}}]", "until names either a status or a state"),
        ("steps: [{status: 200, save: {a: id}, body: {id: {$same: a}}}]", 'unknown saved name "a"; there are none'),
    ],
)  # fmt: skip
def test_each_problem_of_a_case_is_reported(case: str, said: str) -> None:
    """Each slip in a case is one of the lines, with the nearest valid spelling where there is one."""
    assert [line for line in map(SHOW, case_refusal(case)) if line.startswith(said)]


def test_a_case_without_control_or_request_has_nothing_to_send() -> None:
    """In a file without a control a case says its request."""
    said = ["set and unset change the control, but the file has no accepted; use request"]

    assert case_refusal("detail: x", LOOKUP) == said
    assert case_refusal("set: {a: 1}", LOOKUP) == said


def test_all_problems_of_all_files_are_reported_at_once() -> None:
    """One CatalogueError carries every problem, in file order."""
    bad = HEAD + "  - {id: a, title: t, set: {'a..b': 1}, detial: x}\n  - {id: a, title: t}\n"

    with pytest.raises(CatalogueError) as refused:
        read_all({"b": parse(bad, "b.yaml"), "a": parse(bad, "a.yaml"), "c": parse(HEAD + "  []", "c.yaml")})

    assert [str(problem).partition(" ")[0] for problem in refused.value.problems] == [
        f"{file}.yaml:{place}:" for file in "ab" for place in ("6:29", "6:41", "7:6")
    ]


@pytest.mark.parametrize(
    ("value", "name"),
    [("{image-url}", "image-url"), ("see {image-url}", None), ("{Image}", None), ("{a b}", None), (1, None)],
)
def test_a_placeholder_is_always_a_whole_value(value: object, name: str | None) -> None:
    """A name in braces stands for something only where it is all there is."""
    assert match_placeholder(value) == name
    assert list(find_placeholders({"a": [value]})) == ([name] if name else [])


_KEYS = st.sampled_from([*FILE_KEYS, *CASE_KEYS, "auth", "path", "save", "repeat", "until", "$is", "$one_of", "x"])
_DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 600) | st.floats() | st.sampled_from(["a", "{x}", "GET /x", "none"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=8,
)
_CASE = st.dictionaries(st.sampled_from(CASE_KEYS), _DATA, max_size=6)


@same_examples(60)
@given(
    _DATA | st.fixed_dictionaries({"cases": st.lists(_CASE, max_size=2)}, optional={"accepted": _DATA, "holds": _DATA})
)
def test_any_data_is_read_or_refused(data: object) -> None:
    """Whatever the data, it is read or refused with a CatalogueError."""
    with suppress(CatalogueError):
        read_section(Source(file="f.yaml", data=data, places={}), "n")
