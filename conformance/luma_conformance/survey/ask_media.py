"""Questions about media and offers: whether a target refuses, and takes, what its profile says that it does."""

from __future__ import annotations

import re
from typing import Final

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.grammar import find_placeholders
from luma_conformance.catalogue.roles import GENERATIONS, TAKEN_FOR_GRANTED
from luma_conformance.errors import ExchangeError, NotFollowed
from luma_conformance.judge.answers import detail_of, member_of
from luma_conformance.matching import Scene
from luma_conformance.model import Case, Response
from luma_conformance.survey.asker import PROMPT, Asker
from luma_conformance.survey.claims import Claim, Finding, false, lacking, true, unasked, unclear

NOWHERE: Final = "https://conformance.invalid/image.png"


def ask_media(asker: Asker, role: str) -> Claim:
    """Return whether a URL is refused, or taken, as its role says."""
    if not asker.allows():
        return unasked(role)
    accepted = role in ("image-url", "video-url")
    case = find_case(role, accepted=accepted)
    if case is None:
        return unasked(role, "no case shows what it means")
    answer = asker.play(case)
    if accepted:
        return tell_acceptance(asker, role, answer)
    claim = tell_refusal(asker, role, answer, case)
    if claim.finding is Finding.TRUE:
        asker.fetched = role
    return claim


def ask_offer(asker: Asker, role: str) -> Claim:
    """Return whether a target takes what it is said to take."""
    if role == "output-files":
        return _ask_files(asker, role)
    if not asker.allows():
        return unasked(role)
    if role == "url-ingestion":
        return _ask_ingestion(asker, role)
    accepted = role == "hdr-access"
    case = find_case(role, accepted=accepted)
    if case is None:
        return unasked(role, "no case shows what it means")
    if role == "large-uploads":
        return _ask_upload(asker, role, case)
    answer = asker.play(case)
    return tell_acceptance(asker, role, answer) if accepted else tell_refusal(asker, role, answer, case)


def _ask_upload(asker: Asker, role: str, case: Case) -> Claim:
    """Return whether a large body reaches the API: what stands in front of one hangs up, or has no `detail`."""
    try:
        answer = asker.play(case)
    except ExchangeError as error:
        return false(role, f"a body above 70 MB gets no answer: {error}")
    says = f"a body above 70 MB is answered {asker.describe(answer)}"
    whole = detail_of(answer) is not None or 200 <= answer.status < 300
    return true(role, says) if whole else false(role, f"{says}, not in the words of an API")


def _ask_ingestion(asker: Asker, role: str) -> Claim:
    """Return whether media URLs matter: one that is refused as it should shows it, or one that nobody can fetch."""
    if asker.fetched is not None:
        return true(role, f"{asker.fetched} is refused")
    body = {"prompt": PROMPT, "type": "image_edit", "source": {"url": NOWHERE}}
    answer = asker.create(body)
    if 200 <= answer.status < 300:
        return lacking(role, "a URL whose host cannot exist was accepted")
    return true(role, f"a URL whose host cannot exist is answered {asker.describe(answer)}")


def _ask_files(asker: Asker, role: str) -> Claim:
    """Return whether the URL of an output serves a file."""
    if (name := asker.generate()) is None:
        return unasked(role)
    answer = asker.settle(name)
    output = member_of(answer, "output")
    url = output[0].get("url") if isinstance(output, list) and output and isinstance(output[0], dict) else None
    if not isinstance(url, str):
        return unclear(role, f"a generation in state {asker.show(member_of(answer, 'state'))} has no URL to ask for")
    try:
        served = asker.fetch(url)
    except NotFollowed as error:
        return unclear(role, str(error))
    except ExchangeError as error:
        return lacking(role, str(error))
    if served.status == 200 and served.body:
        return true(role, "an output was served")
    return lacking(role, f"an output's URL is answered {served.status}{'' if served.body else ', with nothing'}")


def tell_acceptance(asker: Asker, role: str, answer: Response) -> Claim:
    """Return whether a request was accepted that is to be."""
    if answer.status == 201:
        return true(role, "accepted")
    finding = false if 400 <= answer.status < 500 and answer.status != 429 else unclear
    return finding(role, f"refused: {asker.describe(answer)}")


def tell_refusal(asker: Asker, role: str, answer: Response, case: Case | None = None) -> Claim:
    """Return whether an answer is the refusal that a role is for, another one, or none."""
    case, says = case or find_case(role), asker.describe(answer)
    if 200 <= answer.status < 300:
        lacks = lacking if role in TAKEN_FOR_GRANTED else false
        return lacks(role, f"what it is for was accepted: {answer.status}")
    if case is not None and answer.status == case.status and is_said(case, answer):
        return true(role, says)
    if case is not None and ((other := _find_other_error(case, answer)) or _other_number(case, answer)):
        return false(role, f"it is refused for another reason ({other or 'another number'}): {says}")
    return unclear(role, f"refused in words of its own: {says}")


def find_case(role: str, *, accepted: bool = False) -> Case | None:
    """Return the first case of one request that needs this role, beside what is granted, and shows what it means."""
    for case in casefiles.own():
        idle = GENERATIONS.keys() - {*find_placeholders(case.steps[0].ask.body)}  # needed by other cases of its file
        needs = {*case.needs} - (TAKEN_FOR_GRANTED.keys() - {role}) - idle
        if needs == {role} and len(case.steps) == 1 and (case.status == 201) == accepted:
            return case
    return None


def is_said(case: Case, response: Response) -> bool:
    """Return whether an answer's `detail` is the one a case expects."""
    detail = case.steps[0].expect.detail
    return detail is None or detail.explain(detail_of(response), Scene()) is None


def _find_other_error(case: Case, response: Response) -> str | None:
    """Return the section of the page whose error an answer has, if that is another than the case's."""
    detail = detail_of(response)
    found = casefiles.own().find_by_detail(response.status, detail) if isinstance(detail, str) else ()
    if any(one.section == case.section for one in found):
        return None
    return found[0].section if found else None


def _other_number(case: Case, answer: Response) -> bool:
    """Return whether an answer has the words of a case, with another number in them: HTTP 403 for HTTP 404."""
    expected, detail = case.steps[0].expect.detail, detail_of(answer)
    wanted = getattr(expected, "expected", None)
    alike = (
        isinstance(wanted, str)
        and isinstance(detail, str)
        and re.sub(r"\d+", "0", wanted) == re.sub(r"\d+", "0", detail)
    )
    return alike and wanted != detail
