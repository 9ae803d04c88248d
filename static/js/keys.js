// Keys: a control names its own in aria-keyshortcuts; this only finds the first one that shows, and clicks it.
(() => {
  "use strict";
  const { one, all } = window.flowpilot;
  const FIELD = "textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=hidden])";
  const isField = (el) => el instanceof HTMLElement && (el.isContentEditable || el.matches(FIELD));
  const isLetter = (key) => /^\p{L}$/u.test(key);

  // Single keys can be turned off (WCAG 2.1.4); the server keeps the choice and draws it.
  let areOn = one("#shortcuts [data-keys]")?.checked ?? true;
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-keys]")) return;
    areOn = event.target.checked;
    for (const choice of all("[data-keys]")) choice.checked = areOn;
  });

  function spelled(event) {
    const held = (event.ctrlKey ? "Control+" : "") + (event.metaKey ? "Meta+" : "");
    if (!isLetter(event.key)) return held + event.key;
    return held + (event.shiftKey ? `Shift+${event.key.toUpperCase()}` : event.key.toLowerCase());
  }
  function bound(key, root = document) {
    return all("[aria-keyshortcuts]", root).find((el) =>
      el.getAttribute("aria-keyshortcuts").split(" ").includes(key) && !el.disabled && el.checkVisibility({ visibilityProperty: true }));
  }
  function press(target) {
    if (isField(target)) return target.focus();
    target.click();
    if (target.matches("summary") && target.parentElement.open) one(FIELD, target.parentElement)?.focus();
  }
  function submit(event) {
    const form = event.target.closest?.("form") || event.target.form;
    const own = form && (bound("Control+Enter", form) || all("[aria-keyshortcuts~='Control+Enter']").find((el) => el.form === form));
    const target = own || (form && one("button.primary, button:not([type=button])", form)) || bound("Control+Enter");
    if (!target || target.disabled) return;
    event.preventDefault();
    target.click();
  }
  function escape(event) {
    if (one("dialog[open]") || one("[popover]:popover-open")) return; // the browser closes these
    const target = bound("Escape");
    if (isField(event.target) && !(target && event.target.closest("[data-composer]"))) return event.target.blur();
    if (target) { event.preventDefault(); target.click(); }
  }
  function fold(what) {
    const holder = one(what === "nav" ? ".app" : ".session");
    if (!holder) return;
    const folded = what === "nav" ? "rail" : "folded";
    const now = holder.dataset[what] === folded ? (what === "nav" ? "full" : "open") : folded;
    holder.dataset[what] = now;
    document.cookie = `${what}=${now}; path=/; max-age=31536000; samesite=lax`; // the server draws the next page so
  }
  document.addEventListener("click", (event) => {
    const what = event.target.closest?.("[data-folds]")?.dataset.folds;
    if (what) fold(what);
  });
  // A list's row that is chosen starts its session, as the button of its ticket does.
  function start(address) {
    const token = one("[name=csrfmiddlewaretoken]").cloneNode();
    const form = Object.assign(document.createElement("form"), { method: "post", action: address, hidden: true });
    form.append(token);
    document.body.append(form);
    form.submit();
  }
  function step(event, by) {
    const links = all("[data-rows] a.cover").filter((el) => el.checkVisibility());
    if (!links.length) return;
    event.preventDefault();
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus();
  }

  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey || event.repeat && !/^[jk]$/.test(event.key)) return;
    const key = spelled(event);
    if (key === "Control+Enter" || key === "Meta+Enter") return submit(event);
    if (key === "Escape") return escape(event);
    const isTyping = isField(event.target) && event.target.checkVisibility(); // a dialog just closed keeps the focus for a moment
    if (!areOn || isTyping || event.ctrlKey || event.metaKey || one("dialog[open]")) return;
    if (Date.now() - going < 1500) {
      going = 0;
      const link = one(`[data-go="${CSS.escape(key)}"]`);
      if (link) { event.preventDefault(); return link.click(); }
    }
    if (key === "g") { going = Date.now(); return; }
    if (key === "?") { const list = one("#shortcuts"); if (list) { event.preventDefault(); list.showModal(); } return; }
    if (key === "j" || key === "k") return step(event, key === "j" ? 1 : -1);
    if (key === "[" || key === "]") return fold(key === "[" ? "nav" : "lane");
    const row = document.activeElement?.dataset?.start;
    if (key === "s" && row) { event.preventDefault(); return start(row); }
    const target = bound(key) || one(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return;
    event.preventDefault();
    press(target);
  });
})();
