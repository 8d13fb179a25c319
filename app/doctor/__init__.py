"""`walkprint doctor`: what keeps an installation from working, found before somebody waits."""

from app.doctor.examination import examine
from app.doctor.finding import Finding

__all__ = ["Finding", "examine"]
