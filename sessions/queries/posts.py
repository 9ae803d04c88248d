"""What one click on *Post* sent to the ticket, and what came of each part."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psa.models import PsaPost
from sessions.queries._ready import ready


@dataclass(frozen=True)
class Posting:
    """The parts of one click, in order. The first leads: without it the others wait."""

    posts: Sequence[PsaPost]

    @property
    def lead(self) -> PsaPost:
        return self.posts[0]

    @property
    def is_under_way(self) -> bool:
        """Whether a part may still reach the ticket by itself."""
        return not self.lead.is_stuck and any(post.is_open for post in self.posts)

    @property
    def is_stuck(self) -> bool:
        """Whether a part waits for a person."""
        return any(post.is_stuck for post in self.posts)


def posting(batch: UUID | None) -> Posting | None:
    """Return the parts of a click, or None when nothing was posted."""
    if batch is None:
        return None
    posts = ready(PsaPost.objects.filter(batch=batch).select_related("created_by").order_by("position", "id"))
    return Posting(posts) if posts else None
