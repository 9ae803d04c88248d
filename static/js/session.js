// The lane holds still under a hand.
(() => {
  "use strict";
  const { one, all, localise, asking } = window.flowpilot;

  // --- The lane holds what the stream brings while a hand is in it, so that no button moves under a click ---
  const lane = one("#lane");
  if (!lane) return;
  let isUnder = false;
  const waiting = new Map(); // section id -> the section that is to come
  const CONTROL = "button, a, input, textarea, select, summary";
  const isHeld = () => isUnder || asked.size > 0 || (lane.contains(document.activeElement) && document.activeElement.matches(CONTROL));
  const versionOf = (el) => Number(el?.dataset.version ?? NaN);
  const isOlder = (a, b) => versionOf(a) < versionOf(b); // never true where a version is missing

  const words = (el) => [...el.querySelectorAll("*")].filter((part) => !part.matches("time, .waiting")).map((part) => [...part.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join(" ")).join(" ");

  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    const isStream = ctx.sourceElement?.matches?.("[hx-sse\\:connect]");
    for (const task of [...tasks]) {
      const old = task.target instanceof Element && task.target.matches("#lane section") ? task.target : null;
      const fresh = old && task.fragment.firstElementChild;
      if (!fresh) continue;
      const kept = waiting.get(old.id);
      // A page's own action comes back as news a moment later: what is there already is not drawn, or held, twice.
      const isKnown = isStream && versionOf(fresh) === versionOf(old) && words(fresh) === words(old);
      const isStale = isKnown || isOlder(fresh, old) || isOlder(fresh, kept);
      if (isStale || (isStream && isHeld())) tasks.splice(tasks.indexOf(task), 1);
      if (isStale) continue;
      if (isStream && isHeld()) hold(old, fresh);
      else waiting.delete(old.id);
    }
  });
  function hold(old, fresh) {
    waiting.set(old.id, fresh);
    const known = new Set(all("[id]", old).map((el) => el.id));
    const count = all("li[id], .fix[id]", fresh).filter((el) => !known.has(el.id)).length;
    const head = one("header", old);
    if (!head) return;
    const button = one(".waiting", head) || document.createElement("button");
    button.type = "button";
    button.className = "badge hot waiting";
    button.textContent = count ? `${count} new` : "Updated";
    one("h2", head).after(button);
  }
  function apply(id) {
    const fresh = waiting.get(id);
    const old = document.getElementById(id);
    waiting.delete(id);
    if (!fresh || !old) return;
    old.replaceWith(fresh);
    window.htmx.process(fresh);
    localise();
    return fresh;
  }
  const release = () => setTimeout(() => { if (!isHeld()) [...waiting.keys()].forEach(apply); }, 150);
  const asked = asking(() => lane, release);
  lane.addEventListener("click", (event) => {
    const section = event.target.closest(".waiting")?.closest("section");
    if (section) one("h2", apply(section.id) || section)?.focus();
  });
  lane.addEventListener("pointerenter", (event) => { isUnder = event.pointerType === "mouse"; });
  lane.addEventListener("pointerleave", () => { isUnder = false; release(); });
  lane.addEventListener("focusout", release);
})();

// The head stands while its menu is open, its title is being changed, or an item of it waits for its reply: a newer one comes after that.
(() => {
  "use strict";
  const { one, localise, asking } = window.flowpilot;
  const isInUse = () => asked.size > 0 || Boolean(one("#session-menu:popover-open, #rename:not([hidden])"));
  let next = null;
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    const task = tasks.find(({ target }) => target instanceof Element && target.id === "session-head");
    if (!task) return;
    next = null;
    if (!ctx.sourceElement?.matches?.("[hx-sse\\:connect]") || !isInUse()) return;
    next = task.fragment.firstElementChild;
    tasks.splice(tasks.indexOf(task), 1);
  });
  const bring = () => setTimeout(() => {
    const old = one("#session-head");
    if (!next || !old || isInUse()) return;
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(next);
    window.htmx.process(next);
    if (hadFocus) one("[popovertarget=session-menu]", next).focus(); // where a menu that was shut leaves it
    next = null;
    localise();
  });
  const asked = asking(() => one("#session-head"), bring);
  for (const name of ["toggle", "click", "focusout"]) document.addEventListener(name, bring, true); // a popover's toggle does not bubble
})();
