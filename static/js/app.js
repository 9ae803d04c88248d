// What every page shares: keys, copy, toasts, theme, times, and words when the connection is lost.
(() => {
  "use strict";
  const body = document.body;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isField = (el) => el instanceof HTMLElement && (el.isContentEditable || el.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])"));
  const isShown = (el) => el.offsetParent !== null && !el.closest("[hidden]");

  // --- Toasts: they leave by themselves, unless they tell of a failure or somebody is reading them. ---
  function toast(text, tone) {
    const box = document.createElement("div");
    box.className = "toast";
    box.dataset.toast = "";
    box.dataset.tone = tone || "";
    box.setAttribute("role", tone === "red" ? "alert" : "status");
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn ghost sm";
    close.dataset.dismiss = "";
    close.textContent = "Dismiss";
    box.append(words, close);
    one("#toasts")?.append(box);
  }
  function watchToast(box) {
    if (box.dataset.tone === "red") return;
    const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 3000) : box.remove());
    setTimeout(leave, 8000);
  }
  const toasts = one("#toasts");
  if (toasts) new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => node.dataset && watchToast(node)))).observe(toasts, { childList: true });
  window.flowpilot = { toast };

  // --- Clicks that need no server ---
  document.addEventListener("click", async (event) => {
    const el = event.target.closest("[data-copy], [data-dismiss], [data-close], [data-opens], [data-shows], [data-reveal]");
    if (!el) return;
    if ("copy" in el.dataset) {
      const source = el.dataset.copy === "code" ? one("pre", el.closest(".code")) : one(el.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        toast("Copied");
      } catch {
        getSelection().selectAllChildren(source);
        toast("Your browser keeps the clipboard closed. The text is selected: press Ctrl C.", "red");
      }
    }
    if ("dismiss" in el.dataset) setTimeout(() => el.closest("[data-toast]")?.remove());
    if ("close" in el.dataset) el.closest("dialog").close();
    if ("shows" in el.dataset) one(el.dataset.shows).showModal();
    if ("opens" in el.dataset) {
      const form = one(el.dataset.opens);
      form.hidden = !form.hidden;
      if (!form.hidden) one("input:not([type=hidden])", form)?.focus();
    }
    if ("reveal" in el.dataset) {
      const target = one(el.getAttribute("href"));
      target?.closest("details")?.setAttribute("open", "");
      if (target) target.tabIndex = -1;
      target?.focus();
    }
  });

  // --- Keys: a control names its own in aria-keyshortcuts; this only finds and clicks it. ---
  let going = 0;
  const spelled = (event) => (event.ctrlKey ? "Control+" : "") + (event.metaKey ? "Meta+" : "") + (event.shiftKey && /^[a-z]$/i.test(event.key) ? "Shift+" : "") + (event.key.length === 1 ? (event.shiftKey ? event.key.toUpperCase() : event.key) : event.key);
  const bound = (key, root = document) => all("[aria-keyshortcuts]", root).find((el) => isShown(el) && !el.disabled && el.getAttribute("aria-keyshortcuts").split(" ").includes(key));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const key = spelled(event);
    if (/^(Control|Meta)\+Enter$/.test(key)) {
      const form = event.target.closest?.("form");
      const button = form && (bound("Control+Enter", form) || one("button.primary, button:not([type=button])", form));
      const target = button || bound("Control+Enter");
      if (target) { event.preventDefault(); target.click(); }
      return;
    }
    if (key === "Escape") {
      if (isField(event.target)) return event.target.blur();
      const target = bound("Escape");
      if (target && !one("dialog[open], [popover]:popover-open")) target.click();
      return;
    }
    if (isField(event.target) || event.ctrlKey || event.metaKey || one("dialog[open]")) return;
    if (Date.now() - going < 1500) {
      going = 0;
      const link = one(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); return link.click(); }
    }
    if (event.key === "g") { going = Date.now(); return; }
    if (event.key === "?") { event.preventDefault(); return one("#shortcuts").showModal(); }
    if (event.key === "j" || event.key === "k") return step(event, event.key === "j" ? 1 : -1);
    const target = bound(key);
    if (!target) return;
    event.preventDefault();
    if (isField(target)) target.focus(); else target.click();
  });
  function step(event, by) {
    const links = all("[data-rows] a.cover").filter(isShown);
    if (!links.length) return;
    event.preventDefault();
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus();
  }

  // --- Theme: at once here, kept by the server ---
  document.addEventListener("change", (event) => {
    if (event.target.name === "theme") document.documentElement.dataset.theme = event.target.value;
  });

  // --- Times in the reader's own zone ---
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
  function localise(root) {
    for (const el of all("time[data-local]", root)) {
      const moment = new Date(el.dateTime);
      if (isNaN(moment)) continue;
      const isToday = moment.toDateString() === new Date().toDateString();
      el.textContent = isToday ? clock.format(moment) : `${day.format(moment)} ${clock.format(moment)}`;
      el.title = moment.toLocaleString();
    }
  }
  function tick() {
    for (const el of all("time[data-elapsed]")) {
      const minutes = Math.max(0, Math.floor((Date.now() - new Date(el.dateTime)) / 60000));
      el.textContent = minutes < 60 ? `${minutes} min` : minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
    }
  }
  localise(document);
  setInterval(tick, 30000);
  document.addEventListener("htmx:after:swap", () => localise(document));

  // --- Requests: a word when they fail; the button that asked shows that it is busy. ---
  const asker = (event) => event.detail?.ctx?.sourceElement;
  const busy = (event, is) => {
    const source = asker(event);
    const button = source?.matches?.("form") ? event.detail.ctx.submitter || source.querySelector("[data-busy]") : source?.closest?.("button");
    if (!button) return;
    if (is) { button.setAttribute("aria-busy", "true"); button.dataset.busy = ""; } else { button.removeAttribute("aria-busy"); delete button.dataset.busy; }
  };
  document.addEventListener("submit", (event) => { if (event.submitter) event.submitter.dataset.busy = ""; }, true);
  document.addEventListener("htmx:before:request", (event) => { if (asker(event)?.closest?.("button, form") && !asker(event).matches("[data-quiet]")) busy(event, true); });
  document.addEventListener("htmx:finally:request", (event) => busy(event, false));
  document.addEventListener("htmx:error", (event) => {
    const source = asker(event);
    if (event.detail?.ctx?.status === "response" || event.detail?.error?.name === "AbortError") return;
    if (event.detail?.ctx?.response?.status >= 400) return; // the server's own words are on their way
    if (source?.matches?.("[hx-sse\\:connect], [data-quiet]")) return;
    busy(event, false);
    toast("Connection lost. Nothing you typed is gone: try again in a moment.", "red");
  });

  // --- What changed in this tab, other tabs hear of ---
  if ("BroadcastChannel" in window) {
    const channel = new BroadcastChannel("flowpilot");
    let isEcho = false;
    body.addEventListener("chat-changed", () => { if (!isEcho) channel.postMessage("chat-changed"); });
    channel.onmessage = () => { isEcho = true; window.htmx?.trigger(body, "chat-changed"); isEcho = false; };
  }
  body.addEventListener("chat-stale", () => toast("This session moved on. Reload the page to see where it stands; what you typed is kept."));
})();
