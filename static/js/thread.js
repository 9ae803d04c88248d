// The thread takes what any reply or stream brings once: a message that is there is replaced where it changed, and never shown twice.
(() => {
  "use strict";
  const { toast, one, all, localise, asking } = window.flowpilot;
  const STREAM = "[hx-sse\\:connect]";
  document.addEventListener("htmx:sse:after:connection", (event) => { if (event.target.matches?.("#news, #note-news")) event.target.dataset.heard = ""; });

  // --- Signed out elsewhere: the streams have closed; nothing typed is lost ---
  document.addEventListener("signed-out", (event) => {
    if (event.target.matches?.(STREAM)) toast("You are signed out. What you typed is kept: reload the page to sign in again.", "red");
  });

  const thread = one("#thread");
  if (!thread) return;
  const said = (el) => one(".said", el)?.textContent;

  // A waiting message began while its words were being changed: they go on in the composer.
  function rescue(old) {
    const field = one("form[id^=edit-] textarea", old);
    const box = one("#prompt");
    if (!field || !box || field.value === field.defaultValue || field.form.hidden) return;
    box.value = [box.value, field.value].filter(Boolean).join("\n\n");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    toast("That message began before you saved it. Your words are in the message box.");
  }
  function isNewer(fresh, old) {
    return fresh.dataset.mark === undefined ? said(fresh) !== said(old) : fresh.dataset.mark !== old.dataset.mark;
  }
  // htmx drops the reply to a button that is gone, so what asks stays until it was answered.
  const later = [];
  const asked = asking(() => thread, () => setTimeout(() => later.splice(0).forEach((work) => work())));
  function whenFree(old, work) {
    if ([...asked].some((ctx) => old.contains(ctx.sourceElement))) later.push(() => whenFree(old, work));
    else if (old.isConnected) work();
  }
  function replace(old, fresh) {
    whenFree(old, () => {
      if (!isNewer(fresh, old)) return;
      rescue(old);
      old.replaceWith(fresh);
      window.htmx.process(fresh);
      // An answer may end while its stream is away; who listens is told all the same.
      if (old.dataset.mark === "live" && fresh.dataset.turn === "done") one("#stream-status").textContent = "Answer ready";
    });
  }
  function forget(ids) {
    for (const turn of all("article[data-turn]", thread)) {
      const id = turn.id.slice("turn-".length);
      if (ids.includes(id)) continue;
      whenFree(turn, () => {
        one(`#question-${CSS.escape(id)}`)?.remove();
        turn.remove();
      });
    }
  }
  document.addEventListener("htmx:before:swap", (event) => {
    const isNews = event.detail.ctx.sourceElement?.id === "news";
    for (const task of [...event.detail.tasks]) {
      const { target, fragment } = task;
      if (!(target instanceof Element) || !fragment) continue;
      if (target === thread) {
        for (const list of all("[data-turns]", fragment)) { forget(list.dataset.turns.split(" ")); list.remove(); }
        for (const fresh of [...fragment.children]) {
          const old = fresh.id && document.getElementById(fresh.id);
          if (!old) continue;
          fresh.remove();
          replace(old, fresh);
        }
        if (one("article", fragment)) one("#thread-empty")?.remove();
      }
      if (target.id === "composer" && isNews) {
        const fresh = one("#composer", fragment);
        if (!fresh || fresh.dataset.state === target.dataset.state) event.detail.tasks.splice(event.detail.tasks.indexOf(task), 1);
      }
    }
    localise();
  });

  // --- Stop, from the composer or by Escape ---
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-stops]")) one("[data-stop]", thread)?.click();
  });
})();
