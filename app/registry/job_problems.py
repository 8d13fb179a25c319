"""How a job ends that nobody could do."""

from __future__ import annotations

from app.errors import Problem
from model.refusals import MediaNotReadable


class JobKeptFailing(Problem):
    """Workers died one after the other with this recording in hand; it will not be tried again."""

    status = 422
    slug = MediaNotReadable.code
    title = MediaNotReadable.title
    advice = (
        "Re-encode the recording (for example as H.264 MP4) and send it again; if it happens again,"
        " report the support id."
    )

    def __init__(self, job: str, failures: int) -> None:
        self.support_id = job.replace("-", "")[:12]
        super().__init__(
            f"{failures} workers in a row were lost with this job.",
            job=job,
            support_id=self.support_id,
        )


class DeadlinePassed(Problem):
    """No worker was free before the time after which you said the answer is of no use."""

    status = 504
    slug = "deadline-passed"
    title = "The answer would have come too late"
    advice = "Send the call again, with a later `expires_in` or when the service is less busy."

    def __init__(self, job: str) -> None:
        super().__init__("The job expired before a worker could begin it.", job=job)


class JobCancelled(Problem):
    """Somebody took the job back before it ended. Nothing of it was kept."""

    status = 409
    slug = "job-cancelled"
    title = "The job was taken back"
    advice = "Send the call again if its answer is wanted after all."

    def __init__(self, job: str) -> None:
        super().__init__("The job was taken back before it ended.", job=job)


class JobEnded(Problem):
    """The job has ended: there is nothing left to take back."""

    status = 409
    slug = "job-ended"
    title = "The job has ended already"
    advice = (
        "Read its answer: GET /jobs/{job}. What an enrolment stored goes with DELETE"
        " /walks/{walk} or DELETE /subjects/{subject}."
    )

    def __init__(self, job: str, state: str) -> None:
        super().__init__(f"The job ended before: it has {state}.", job=job, state=state)
