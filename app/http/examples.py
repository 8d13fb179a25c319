"""Request bodies and examples for /openapi.json.

The routes read their bodies as streams, so FastAPI cannot know what is in them.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_RATE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_FILES_ARE = (
    "One video, or one .zip or .tar of PNG/JPEG frames; or the frames themselves, one part each:"
    " consecutive pictures make one walk."
)
_FILES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "description": _FILES_ARE,
}
_GALLERY = {**_TEXT, "default": "default", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
_EXPIRES_IN: dict[str, Any] = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 86400,
    "description": (
        "Seconds after which the answer is of no use: work that was not begun by then is not done,"
        " and answered `deadline-passed`."
    ),
}
_FPS = {"type": "number", "minimum": 1, "description": "Of a bundle of frames, if known."}
_ONE_WALKER = {
    "type": "string",
    "enum": ["only", "largest"],
    "default": "only",
    "description": (
        "Whose walk is meant where several people walk: `only` refuses recordings with several"
        " equal walkers, `largest` takes the largest one."
    ),
}
_WALKER = {
    **_ONE_WALKER,
    "enum": ["only", "largest", "all"],
    "description": f"{_ONE_WALKER['description'][:-1]}, `all` answers for each of them.",
}
_SUBJECT = {**_TEXT, "maxLength": 128, "description": "Your id for the person."}

ENROLL_FORM: dict[str, Any] = {
    "required": ["subject", "walk"],
    "properties": {
        "subject": _SUBJECT,
        "gallery": {**_GALLERY, "description": "Created if it is new."},
        "name": {**_TEXT, "maxLength": 200, "description": "For people to read."},
        "metadata": {**_TEXT, "description": "A JSON object, at most 16 KiB."},
        "walker": _ONE_WALKER,
        "fps": _FPS,
        "expires_in": _EXPIRES_IN,
        "check": {
            "type": "boolean",
            "default": False,
            "description": "Only says what an enrolment would find; nobody is enrolled.",
        },
        "walk": {**_FILES, "description": _FILES_ARE + " Several walks may come."},
    },
    "example": {"subject": "ada", "gallery": "office", "name": "Ada", "walk": ["monday.mp4"]},
}
IDENTIFY_FORM: dict[str, Any] = {
    "required": ["walk"],
    "properties": {
        "gallery": _GALLERY,
        "walker": _WALKER,
        "top_k": {"type": "integer", "minimum": 1, "maximum": 50, "default": 5},
        "target_fpir": {
            **_RATE,
            "default": 0.01,
            "description": "Share of strangers who may be taken for somebody enrolled.",
        },
        "explain": {
            "type": "boolean",
            "default": False,
            "description": (
                "Keeps what the decision rests on (masks, aligned silhouettes, gait period, how"
                " strangers would score) beside the answer, for as long as that: see"
                " `explanation` there."
            ),
        },
        "fps": _FPS,
        "expires_in": _EXPIRES_IN,
        "walk": _FILES,
    },
    "example": {"gallery": "office", "top_k": 5, "walk": ["visitor.mp4"]},
}
VERIFY_FORM: dict[str, Any] = {
    "required": ["subject", "walk"],
    "properties": {
        "subject": {**_SUBJECT, "description": "Who the person claims to be."},
        "gallery": _GALLERY,
        "walker": _ONE_WALKER,
        "target_fmr": {
            **_RATE,
            "default": 0.001,
            "description": "Share of other people who may pass.",
        },
        "fps": _FPS,
        "expires_in": _EXPIRES_IN,
        "walk": _FILES,
    },
    "example": {"subject": "ada", "gallery": "office", "walk": ["badge-7.zip"]},
}

_QUALITY = {
    "frames_seen": 40,
    "frames_used": 38,
    "frames_dropped": {"outside-whole-cycles": 2},
    "cycles": 1.5,
    "period_frames": 25.3,
    "period_seconds": 1.01,
    "completeness": 1.0,
    "period_sharpness": 0.81,
    "score": 0.62,
    "level": "fair",
    "findings": [
        {
            "code": "too-few-cycles",
            "sentence": "1 whole gait cycle was seen; 2 or more are better.",
            "advice": "Record a longer stretch: three seconds of steady walking or more.",
        }
    ],
}
_PLACE = {
    "first_frame": 12,
    "last_frame": 51,
    "from_seconds": 0.48,
    "to_seconds": 2.08,
    "direction": "left",
}
_USED = {**_PLACE, "used": True, "problem": None, "detail": None}
_TOO_SHORT = {
    "first_frame": 60,
    "last_frame": 74,
    "from_seconds": 2.4,
    "to_seconds": 3.0,
    "direction": "right",
    "used": False,
    "problem": "too-few-cycles",
    "detail": "The walk lasts 15 frames; one gait cycle takes 25.",
}
_SEEN = {"number": 1, "height_pixels": 142.5, "walks": [_USED, _TOO_SHORT]}
_TIMING = {
    "queue": 0.2,
    "capture": 9.8,
    "gei": 4.1,
    "encode": 11.5,
    "search": 1.1,
    "total": 27.0,
}
_WALK_ID = "0b51f5d2-3f4e-4a83-9b57-8f2d35e1d1c5"
_OTHER_WALK_ID = "5b0a1c2e-9f0d-4c55-8a43-0c7e21d9a1b7"
MERGE_ID = "c0a8a4a5-5a3d-4a0e-9c55-3f5b1d6c2e71"
ABSORBED_WALK_IDS = (_OTHER_WALK_ID,)
_JOB_ID = "7d1d0f6e-13c5-4a6f-a8a3-5cf6d1f1f6c9"
_CHECKPOINT = "l-resnet50-64x44-1a2b3c4d"

ENROLLED_EXAMPLE: dict[str, Any] = {
    "subject": "ada",
    "gallery": "office",
    "name": "Ada",
    "created": True,
    "walks": [
        {
            "id": _WALK_ID,
            "recording": 1,
            **_PLACE,
            "quality": _QUALITY,
            "gei": f"/walks/{_WALK_ID}/gei.png",
        }
    ],
    "left_out": [{"recording": 1, **_TOO_SHORT}],
    "replaced": [],
    "possible_duplicates": [],
    "checkpoint": _CHECKPOINT,
    "job": _JOB_ID,
    "timing": _TIMING,
}
_SOURCE: dict[str, Any] = {
    "kind": "gallery",
    "subjects": 11,
    "comparisons": 440,
    "measured_at": "2026-11-25T12:00:00Z",
    "lowest": 0.588102,
    "highest": 0.741355,
    "out_of_date": False,
}
VERIFIED_EXAMPLE: dict[str, Any] = {
    "decision": "no-match",
    "subject": "ada",
    "score": 0.412007,
    "threshold": 0.596114,
    "target_fmr": 0.001,
    "threshold_source": _SOURCE,
    "gallery": "office",
    "checkpoint": _CHECKPOINT,
    "walk": _WALK_ID,
    "quality": _QUALITY,
    "walker": _SEEN,
    "gei": f"/jobs/{_JOB_ID}/gei.png",
    "job": _JOB_ID,
    "timing": _TIMING,
}
PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": "/problems/too-few-frames",
    "title": "Too few usable frames",
    "status": 422,
    "detail": "3 frames are usable; 12 are needed.",
    "advice": "Send at least two seconds of walking, at 15 frames per second or more.",
}
_MATCH: dict[str, Any] = {
    "decision": "match",
    "subject": "ada",
    "score": 0.874211,
    "threshold": 0.713906,
    "target_fpir": 0.01,
    "threshold_source": _SOURCE,
    "gallery_size": 12,
    "candidates": [{"subject": "ada", "name": "Ada", "score": 0.874211, "walk": _WALK_ID}],
    "quality": _QUALITY,
    "walker": _SEEN,
    "gei": f"/jobs/{_JOB_ID}/gei.png?walker=1",
    "explanation": None,
}
_SECOND_MATCH: dict[str, Any] = {
    **_MATCH,
    "subject": "bob",
    "score": 0.801422,
    "candidates": [
        {"subject": "ada", "name": "Ada", "score": 0.812204, "walk": _WALK_ID},
        {"subject": "bob", "name": "Bob", "score": 0.801422, "walk": _OTHER_WALK_ID},
    ],
    "walker": {"number": 2, "height_pixels": 133.0, "walks": [_USED]},
    "gei": f"/jobs/{_JOB_ID}/gei.png?walker=2",
    "explanation": None,
}
_ABOUT_THE_JOB: dict[str, Any] = {
    "gallery": "office",
    "checkpoint": _CHECKPOINT,
    "job": _JOB_ID,
    "timing": _TIMING,
}
IDENTIFIED_EXAMPLES: dict[str, Any] = {
    "one walker": _MATCH | _ABOUT_THE_JOB,
    "walker=all, two people seen at the same time": {
        "walkers": [_MATCH, _SECOND_MATCH],
        "left_out": [],
        **_ABOUT_THE_JOB,
    },
}

_KEY_HEADER: list[dict[str, Any]] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "maxLength": 255},
        "description": (
            "Under one key the work is done once; a repetition gets the first answer with the"
            " header `Idempotency-Replayed: true`."
        ),
    }
]
KEYED_CALL: dict[str, Any] = {"parameters": _KEY_HEADER}
_PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "example": "respond-async",
    "description": "`respond-async` answers 202 with `Location` as soon as the job is accepted.",
}


def form_body(form: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI description of a streamed multipart body."""
    schema = {"type": "object", "required": form["required"], "properties": form["properties"]}
    return {
        "parameters": [*_KEY_HEADER, _PREFER],
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": schema, "example": form["example"]}},
        },
    }


def answers(status: int, examples: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The same with several examples, by their names."""
    named = {name: {"value": example} for name, example in examples.items()}
    return {status: {"content": {"application/json": {"examples": named}}}}


def answer(status: int, example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """An OpenAPI entry that adds an example to the answer of a route."""
    return {status: {"content": {"application/json": {"example": example}}}}
