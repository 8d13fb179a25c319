"""Pictures that lie inside a page."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture, (H, W) gray or (H, W, 3) blue-green-red, as a file."""
    done, content = cv2.imencode(".png", picture, (cv2.IMWRITE_PNG_COMPRESSION, 9))
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as a PNG")
    return content.tobytes()


def data_uri(content: bytes, media_type: str = "image/png") -> str:
    """A file as an address that holds it."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
