// What every page shares: toasts, clicks that need no server, theme, times, and words when the connection is lost.
(() => {
  "use strict";
  const { body } = document;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- Toasts leave by themselves, unless they tell of a failure or somebody is reading them. ---
  function toast(text, tone) {
    const box = document.createElement("div");
    box.className = "toast";
    box.dataset.toast = "";
    box.dataset.tone = tone || "";
    if (tone === "red") box.setAttribute("role", "alert");
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn ghost sm";
    close.dataset.dismiss = "";
    close.textContent = "Dismiss";
    box.append(words, close);
    const place = one("#toasts");
    for (const old of all("[data-toast]", place)) if (one("span", old)?.textContent === text) old.remove(); // said once, not stacked
    place?.append(box);
  }
  function watch(box) {
    if (!box.matches?.("[data-toast]") || box.dataset.tone === "red") return;
    const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 3000) : box.remove());
    setTimeout(leave, 8000);
  }
  const toasts = one("#toasts");
  if (toasts) {
    [...toasts.children].forEach(watch);
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(watch))).observe(toasts, { childList: true });
  }
  function dismiss(el) {
    const box = el.closest("[data-toast]");
    if (!box) return;
    // An Undo must stay in the page until its answer came, or htmx drops the answer.
    const isAsking = el.closest("form, [hx-post]");
    box.hidden = true;
    if (isAsking) document.addEventListener("htmx:finally:request", () => box.remove(), { once: true });
    else box.remove();
  }

  // --- Clicks that need no server ---
  async function copy(el) {
    const source = el.dataset.copy === "code" ? one("pre", el.closest(".code")) : one(el.dataset.copy);
    if (!source) return;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) return toast("Your browser keeps the clipboard closed. The text is selected: press Ctrl C.", "red");
    }
    toast("Copied");
  }
  function open(el) {
    const part = one(el.dataset.opens);
    if (!part) return;
    part.hidden = !part.hidden;
    if (part.hidden) el.focus();
    else one("input:not([type=hidden]), textarea, select", part)?.focus();
  }
  function reveal(el) {
    const target = one(el.getAttribute("href"));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const view = target.closest("#lane") ? target.closest("section")?.id.replace("lane-", "view-") : "view-chat";
    const radio = view && document.getElementById(view);
    if (radio) radio.checked = true; // on a phone one pane shows at a time
    if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
    target.focus();
  }
  document.addEventListener("click", (event) => {
    const el = event.target.closest?.("[data-copy], [data-dismiss], [data-close], [data-opens], [data-shows], [data-reveal]");
    if (!el) return;
    if ("copy" in el.dataset) copy(el);
    if ("dismiss" in el.dataset) dismiss(el);
    if ("close" in el.dataset) el.closest("dialog").close();
    if ("shows" in el.dataset) one(el.dataset.shows).showModal();
    if ("opens" in el.dataset) open(el);
    if ("reveal" in el.dataset) reveal(el);
  });

  // --- Theme: at once here, kept by the server ---
  document.addEventListener("change", (event) => {
    if (event.target.name === "theme") document.documentElement.dataset.theme = event.target.value;
  });

  // --- Times in the reader's own zone ---
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }); // as the server writes them
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
  function localise() {
    for (const el of all("time[data-local]")) {
      const moment = new Date(el.dateTime);
      if (isNaN(moment)) continue;
      const isToday = moment.toDateString() === new Date().toDateString();
      const words = isToday ? clock.format(moment) : `${day.format(moment)} ${clock.format(moment)}`;
      if (el.textContent !== words) el.textContent = words;
      el.title = moment.toLocaleString("en-GB");
    }
    for (const field of all("[data-zone]")) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
  function tick() {
    for (const el of all("time[data-elapsed]")) {
      const minutes = Math.max(0, Math.floor((Date.now() - new Date(el.dateTime)) / 60000));
      const words = minutes < 60 ? `${minutes} min` : minutes < 1440 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
      if (el.textContent !== words) el.textContent = words;
    }
  }
  localise();
  setInterval(tick, 30000);
  document.addEventListener("htmx:after:swap", localise);

  // --- The button that asked shows that it is busy. ---
  const STREAM = "[hx-sse\\:connect]";
  const asker = (event) => event.detail?.ctx?.sourceElement;
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    const source = ctx.sourceElement;
    if (!source?.matches || source.matches(`[data-quiet], ${STREAM}`)) return;
    ctx.busyButton = source.matches("form") ? ctx.request.submitter || one("button:not([type=button])", source) : source.closest("button, .btn");
    ctx.busyButton?.setAttribute("aria-busy", "true");
  });
  // --- What only asks whether something changed is silent in a tab that nobody sees. ---
  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden && asker(event)?.matches?.("[data-only-when-visible]")) event.preventDefault();
  });
  document.addEventListener("htmx:finally:request", (event) => event.detail?.ctx?.busyButton?.removeAttribute("aria-busy"));

  // --- What a swap takes away comes back: words half typed, and the place of the focus. ---
  const keyOf = (field) => `${field.form?.getAttribute("action")} ${field.name}`;
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    const gone = tasks.map((task) => task.target).filter((target) => target instanceof Element);
    const at = document.activeElement;
    ctx.typed = gone
      .flatMap((part) => all("textarea, input.input", part))
      .filter((field) => (field.value !== field.defaultValue || field === at) && field.form && field.form !== ctx.sourceElement) // an empty field in focus is about to be typed in
      .map((field) => ({ key: keyOf(field), value: field.value, hadFocus: field === at }));
    ctx.focusWas = at && at !== body ? gone.find((part) => part.contains(at))?.closest("[id]")?.id : null;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    for (const { key, value, hadFocus } of ctx?.typed || []) {
      const field = all("textarea, input.input").find((other) => other.form && keyOf(other) === key);
      if (!field || field.value !== field.defaultValue) continue;
      field.value = value;
      if (field.form.hidden) field.form.hidden = false;
      field.closest("details")?.setAttribute("open", "");
      if (hadFocus) field.focus();
    }
    const isLost = !document.activeElement || document.activeElement === body;
    if (!ctx?.focusWas || !isLost) return;
    const part = document.getElementById(ctx.focusWas);
    (part?.matches("[tabindex]") ? part : part && one("[tabindex='-1']", part))?.focus({ preventScroll: true });
  });

  // --- A lost connection is told once, and what was typed stays. ---
  document.addEventListener("htmx:error", (event) => {
    const { ctx, error } = event.detail || {};
    if (!ctx || ctx.sourceElement?.matches?.(STREAM)) return ctx && lost(ctx.sourceElement);
    if (ctx.sourceElement?.matches?.("[data-quiet]") || ctx.response?.status >= 400) return;
    if (ctx.response) toast("The answer could not be shown. Reload the page; what you typed is kept.", "red");
    else if (error?.name === "AbortError" || error === "timeout") toast("That took too long. What you typed is still here: try again.", "red");
    else toast("Connection lost. What you typed is still here.", "red");
  });

  // --- A stream that breaks says so; one that never opened is asked for again. ---
  const tries = new Map();
  function lost(source) {
    if (!source?.isConnected) return;
    source.dataset.lost = "";
    const status = one("#stream-status");
    if (status) status.textContent = "Connection lost, trying again";
    const count = tries.get(source.id) || 0;
    tries.set(source.id, count + 1);
    setTimeout(() => {
      if (!source.isConnected) return;
      const fresh = source.cloneNode(true);
      source.replaceWith(fresh);
      window.htmx.process(fresh);
    }, Math.min(30000, 1000 * 2 ** count));
  }
  document.addEventListener("htmx:sse:error", (event) => { if (event.target.matches?.(STREAM)) event.target.dataset.lost = ""; });
  document.addEventListener("htmx:sse:after:connection", (event) => {
    if (!event.target.matches?.(STREAM)) return;
    delete event.target.dataset.lost;
    tries.delete(event.target.id);
  });
  document.addEventListener("htmx:response:error", (event) => {
    const source = asker(event);
    if (source?.matches?.(STREAM) && event.detail.ctx.response.status >= 500) lost(source);
  });

  // --- News of the server: htmx tells the document when the element that asked is gone, so the body hears of it from here. ---
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("flowpilot") : null;
  let isEcho = false;
  for (const name of ["chat-changed", "chat-stale"]) {
    document.addEventListener(name, (event) => {
      if (event.target === document) return body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: event.detail }));
      if (name === "chat-changed" && !isEcho) channel?.postMessage(name);
      if (name === "chat-stale") toast("This session moved on. Reload the page to see where it stands; what you typed is kept.");
    });
  }
  if (channel) {
    channel.onmessage = () => {
      isEcho = true;
      body.dispatchEvent(new CustomEvent("chat-changed", { bubbles: true }));
      isEcho = false;
    };
  }

  // --- A dialog that the server sends opens itself. ---
  document.addEventListener("htmx:after:swap", () => all("dialog[data-opens-itself]:not([open])").forEach((dialog) => {
    dialog.removeAttribute("data-opens-itself"); // once: a swap just after it was closed finds it still there
    dialog.showModal();
    dialog.addEventListener("close", () => dialog.remove(), { once: true });
  }));

  // --- A choice stands though its list is being looked up again: the reply on its way does not know of it ---
  document.addEventListener("change", (event) => {
    const list = event.target.closest?.(".picker[id]");
    if (list) one(`[hx-get][hx-target="#${list.id}"]`)?.dispatchEvent(new Event("htmx:abort"));
  });

  // --- What a part of the page asked and waits for; `then` runs after each reply. A stream is no question. ---
  function asking(part, then) {
    const open = new Set();
    document.addEventListener("htmx:before:request", (event) => {
      const { ctx } = event.detail;
      if (part()?.contains(ctx?.sourceElement) && !ctx.sourceElement.matches("[hx-sse\\:connect]")) open.add(ctx);
    });
    document.addEventListener("htmx:finally:request", (event) => { if (open.delete(event.detail.ctx)) then(); });
    return open;
  }

  window.flowpilot = { toast, one, all, localise, asking };

  // --- The row that is open beside its list is marked at once; a reload marks it as well ---
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-rows] a.cover[hx-get]");
    if (!link) return;
    all("[aria-current]", link.closest("[data-rows]")).forEach((row) => row.removeAttribute("aria-current"));
    link.closest("tr, li")?.setAttribute("aria-current", "true");
  });
})();
