"""Requests that properties on keys, ids and clients send: the least of each type, and polls."""

from __future__ import annotations

import json
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.answers import member_of
from luma_conformance.model import GENERATIONS_PATH, Request
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.strategies import Body
from luma_conformance.strategies.material import VIDEO_TYPE

PROMPT: Final = "A sunset over the ocean"
NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
"""An id that no generation has."""
STAYING: Final = ("queued-prompt", "processing-prompt")
"""The roles of prompts whose jobs do not end."""


def make_body(luma_target: LumaTarget, kind: str, prompt: str = PROMPT) -> Body:
    """Return the least that makes a generation of a type, with the target's own media."""
    material = luma_target.material
    body: Body = {"prompt": prompt, "type": kind}
    if kind == "image":
        return body
    media_type, data = material.images[0]
    if kind == "image_edit":
        return {**body, "source": {"data": data, "media_type": media_type}}
    body["model"] = "ray-3.2"
    if kind != "video":
        prior = {"generation_id": material.completed_video}
        hosted = {"url": material.video_url, "media_type": VIDEO_TYPE}
        body["source"] = prior if material.completed_video is not None else hosted
    return {**body, "aspect_ratio": "16:9"} if kind == "video_reframe" else body


def make_request(luma_target: LumaTarget, body: Body, role: str = MAIN_KEY) -> Request:
    """Return a request for a generation with the key of a role."""
    return luma_target.request(body=json.dumps(body).encode(), role=role)


def make_poll(luma_target: LumaTarget, path: str, role: str = MAIN_KEY) -> Request:
    """Return a poll, `path` being what stands for the id, with the key of a role."""
    headers = (("Authorization", f"Bearer {luma_target.session.target.token(role)}"), ("X-Request-Id", "lookup"))
    return Request(method="GET", url=f"{GENERATIONS_PATH}/{path}", headers=headers)


def find_own(luma_target: LumaTarget) -> str | None:
    """Return the id of a generation of the main client's: a completed one, or else one that is made if that is free."""
    if (name := luma_target.value("completed-image")) is not None or not luma_target.is_free:
        return name
    return create(luma_target, {"prompt": PROMPT})


def create(luma_target: LumaTarget, body: Body, role: str = MAIN_KEY) -> str | None:
    """Return the id of a generation that is made, or None where the target makes none."""
    created = luma_target.exchange(make_request(luma_target, body, role))
    luma_target.skip_if_limited(created)
    made = member_of(created.response, "id")
    return made if created.response.status == 201 and isinstance(made, str) else None


def replaces_added(luma_target: LumaTarget, request: Request) -> bool:
    """Return whether a request has a header that would stand where a gateway wants one of its own."""
    added = {name.lower() for name, _ in luma_target.session.added}
    return any(name.lower() in added for name, _ in request.headers)
