// The composer keeps what is typed until the server has it; the lane holds still under a hand.
(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const { toast } = window.flowpilot;

  // --- Drafts: any form with data-draft, kept in this browser until it was accepted ---
  const store = {
    get: (key) => { try { return localStorage.getItem("draft:" + key); } catch { return null; } },
    set: (key, text) => { try { text ? localStorage.setItem("draft:" + key, text) : localStorage.removeItem("draft:" + key); } catch { /* private window */ } },
  };
  const text = (form) => one("textarea", form);
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const kept = store.get(form.dataset.draft);
    if (kept && text(form) && (!text(form).value || "draftWins" in form.dataset)) text(form).value = kept;
  }
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (!form || event.target !== text(form)) return;
    store.set(form.dataset.draft, event.target.value);
    hint(form, counted(form));
  });

  // --- The composer's own checks; the server has the same ---
  function hint(form, words) {
    const place = one("[data-hint]", form);
    if (place) place.textContent = words;
  }
  function counted(form) {
    const limit = Number(form.dataset.limit || 0);
    const length = [...text(form).value].length;
    return limit && length > limit * 0.8 ? `${length.toLocaleString()} of ${limit.toLocaleString()} characters` : "";
  }
  document.addEventListener("htmx:config:request", (event) => {
    const form = event.detail.ctx?.sourceElement;
    if (!form?.matches?.("form[data-composer]")) return;
    if (!text(form).value.trim()) {
      event.preventDefault();
      hint(form, "Write what you see first.");
      text(form).focus();
    }
  });
  document.addEventListener("htmx:after:request", (event) => {
    const form = event.detail.ctx?.sourceElement;
    const status = event.detail.ctx?.response?.status;
    if (!form?.matches?.("form[data-draft]") || !status || status >= 400) return;
    store.set(form.dataset.draft, "");
    if (form.matches("[data-composer]")) { text(form).value = ""; hint(form, ""); text(form).focus(); }
  });

  // --- Files cannot be attached yet: say so, and keep what is typed ---
  const refuse = (files) => {
    const [file] = files;
    const size = (file.size / 1048576).toFixed(file.size > 10485760 ? 0 : 1);
    toast(`“${file.name || "The pasted file"}” (${size} MB) was not taken: a session holds text only. Paste the words of it; what you typed is still here.`, "red");
  };
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    if (files?.length && event.target.closest("form[data-composer]")) { event.preventDefault(); refuse(files); }
  });
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
      event.preventDefault();
      if (kind === "drop" && event.dataTransfer.files.length) refuse(event.dataTransfer.files);
    });
  }

  // --- The lane holds an incoming swap while the pointer or the focus is in it ---
  const lane = one("#lane");
  if (!lane) return;
  let isOurs = false;
  const waiting = new Map();
  const isHeld = () => !isOurs && (lane.matches(":hover") || lane.contains(document.activeElement));
  document.addEventListener("htmx:before:request", (event) => { if (lane.contains(event.detail.ctx?.sourceElement)) isOurs = true; });
  document.addEventListener("htmx:finally:request", (event) => { if (lane.contains(event.detail.ctx?.sourceElement) || !document.contains(event.detail.ctx?.sourceElement)) isOurs = false; });
  window.flowpilot.holds = (target, html) => {
    if (!isHeld()) return false;
    waiting.set(target, html);
    for (const id of waiting.keys()) {
      const head = one(`${id} > header h2`);
      if (head && !one(".waiting", head)) head.insertAdjacentHTML("beforeend", ' <span class="badge hot waiting">1 new</span>');
    }
    return true;
  };
  const release = () => setTimeout(() => {
    if (!waiting.size || isHeld()) return;
    for (const [id, html] of waiting) {
      const old = one(id);
      if (!old) continue;
      old.outerHTML = html;
      window.htmx.process(one(id));
    }
    waiting.clear();
  }, 150);
  lane.addEventListener("pointerleave", release);
  lane.addEventListener("focusout", release);
  document.addEventListener("htmx:sse:before:message", (event) => {
    const { message } = event.detail;
    if (message.event || !message.data.includes('hx-target="#lane-')) return;
    const page = new DOMParser().parseFromString(message.data, "text/html");
    for (const part of page.querySelectorAll('hx-partial[hx-target^="#lane-"]')) {
      if (window.flowpilot.holds(part.getAttribute("hx-target"), part.innerHTML.trim())) part.remove();
    }
    message.data = page.body.innerHTML;
  });
})();
