from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from flowpilot.errors import Invalid
from sessions.services import fixes as services
from sessions.views._panels import client_key, render_panels, shows_conflicts

_LONGEST_WAIT = timedelta(days=90)


@require_POST
@shows_conflicts
def apply_fix(request, chat_id, fix_id):
    services.apply_fix(chat_id=chat_id, fix_id=fix_id)
    return render_panels(request, chat_id)


@require_POST
@shows_conflicts
def record_outcome(request, chat_id, fix_id):
    _, turn = services.record_outcome(
        chat_id=chat_id,
        fix_id=fix_id,
        outcome=request.POST.get("outcome", ""),
        reason=request.POST.get("reason", ""),
        by=request.user,
        client_key=_key_to_tell(request),
        remind_at=_reminder(request),
    )
    return render_panels(request, chat_id, turn=turn)


@require_POST
@shows_conflicts
def remind_of_fix(request, chat_id, fix_id):
    services.remind_of_fix(chat_id=chat_id, fix_id=fix_id, remind_at=_reminder(request))
    return render_panels(request, chat_id)


@require_POST
@shows_conflicts
def dismiss_fix(request, chat_id, fix_id):
    reason = request.POST.get("reason", "")
    _, turn = services.dismiss_fix(
        chat_id=chat_id, fix_id=fix_id, reason=reason, by=request.user, client_key=_key_to_tell(request)
    )
    return render_panels(request, chat_id, turn=turn)


def _key_to_tell(request):
    """Return the form's key when the person asked for the next suggestion as well."""
    return client_key(request) if request.POST.get("next") else None


def _reminder(request) -> datetime | None:
    """Return when to look again: in so many minutes, or at a time of the person's own zone. Raises Invalid."""
    chosen, now = request.POST.get("remind_in", ""), timezone.now()
    if chosen != "at":
        minutes = int(chosen) if chosen.isdecimal() and len(chosen) < 6 else 0
        return now + timedelta(minutes=minutes) if minutes else None
    try:
        moment = parse_datetime(request.POST.get("remind_at", ""))
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid("Say when to look again, as a date and a time.")
    if moment.tzinfo is None:
        zone = request.POST.get("zone", "")
        moment = moment.replace(
            tzinfo=ZoneInfo(zone) if zone in available_timezones() else timezone.get_current_timezone()
        )
    if not now < moment < now + _LONGEST_WAIT:
        raise Invalid("Choose a time between now and 90 days from now.")
    return moment
