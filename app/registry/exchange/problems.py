"""What keeps a gallery file from being imported."""

from __future__ import annotations

from app.errors import Problem

_GOES_ON = (
    " What was imported stays: send the whole file again when it is mended, and what is here"
    " already is skipped."
)


class ImportLineInvalid(Problem):
    """A line of the gallery file cannot be imported; `line` and `field` say which and why.

    What came before it was imported some thousand walks at a time and stays.
    """

    status = 422
    slug = "import-line-invalid"
    title = "A line of the file cannot be imported"
    advice = "Correct the line, or export the gallery anew (docs/registry-exchange.md)." + _GOES_ON

    def __init__(self, line: int, field: str, detail: str, walks_added: int) -> None:
        super().__init__(f"Line {line}: {detail}", line=line, field=field, walks_added=walks_added)


class ImportCutShort(Problem):
    """The gallery file has no end line, or its content is not what the end line says.

    Either the end of the file is missing, or something in it was changed.
    """

    status = 422
    slug = "import-cut-short"
    title = "The file is not whole"
    advice = "Get the whole file, or export the gallery anew." + _GOES_ON

    def __init__(self, line: int, detail: str, walks_added: int) -> None:
        super().__init__(detail, line=line, walks_added=walks_added)


class WalkElsewhere(Problem):
    """A walk of the file belongs to another gallery here; one walk has one home."""

    status = 409
    slug = "walk-elsewhere"
    title = "A walk of the file is in another gallery"
    advice = (
        "Import into the gallery that has these walks, move their subjects with"
        " POST /subjects/{id}/move, or delete them there first." + _GOES_ON
    )

    def __init__(self, line: int, walk: str, walks_added: int) -> None:
        super().__init__(
            f"Line {line}: the walk '{walk}' is in another gallery of this service.",
            line=line,
            walk=walk,
            walks_added=walks_added,
        )


class GalleryGone(Problem):
    """The gallery was deleted while walks were being imported into it."""

    status = 409
    slug = "gallery-gone"
    title = "The gallery was deleted during the import"
    advice = "Import the file again if the gallery is to come back."

    def __init__(self, gallery: str) -> None:
        super().__init__(f"The gallery '{gallery}' was deleted during the import.", gallery=gallery)


class ImportTooLarge(Problem):
    """The gallery file has more bytes than this service takes in one import.

    Where the size was announced nothing was imported; else what came before the limit stays.
    """

    status = 413
    slug = "import-too-large"
    title = "The file is larger than this service takes in"
    advice = "Have the service started with a larger WALKPRINT_MAX_IMPORT_BYTES."

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"A gallery file may have at most {limit_bytes} bytes.", limit_bytes=limit_bytes
        )
