from django.urls import reverse
from django.views.decorators.http import require_POST

from sessions.services import facts, tasks
from sessions.views._panels import render_panels, shows_conflicts


@require_POST
@shows_conflicts
def answer_task(request, chat_id, item_id):
    answer = request.POST.get("typed", "").strip() or request.POST.get("answer", "")
    tasks.answer_task(chat_id=chat_id, item_id=str(item_id), answer=answer, by=request.user)
    return render_panels(request, chat_id)


@require_POST
@shows_conflicts
def skip_task(request, chat_id, item_id):
    tasks.skip_task(chat_id=chat_id, item_id=str(item_id), by=request.user)
    undo = {"text": "Task skipped", "url": reverse("sessions:reopen-task", args=[chat_id, item_id])}
    return render_panels(request, chat_id, undo=undo)


@require_POST
@shows_conflicts
def reopen_task(request, chat_id, item_id):
    tasks.reopen_task(chat_id=chat_id, item_id=str(item_id))
    return render_panels(request, chat_id)


@require_POST
@shows_conflicts
def add_fact(request, chat_id):
    facts.add_fact(chat_id=chat_id, text=request.POST.get("text", ""), by=request.user)
    return render_panels(request, chat_id)


@require_POST
@shows_conflicts
def edit_fact(request, chat_id, fact_id):
    facts.edit_fact(chat_id=chat_id, fact_id=fact_id, text=request.POST.get("text", ""), by=request.user)
    return render_panels(request, chat_id)


@require_POST
@shows_conflicts
def remove_fact(request, chat_id, fact_id):
    facts.remove_fact(chat_id=chat_id, fact_id=fact_id)
    undo = {"text": "Fact removed", "url": reverse("sessions:restore-fact", args=[chat_id, fact_id])}
    return render_panels(request, chat_id, undo=undo)


@require_POST
@shows_conflicts
def restore_fact(request, chat_id, fact_id):
    facts.restore_fact(chat_id=chat_id, fact_id=fact_id)
    return render_panels(request, chat_id)
