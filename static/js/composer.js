// The composer keeps what is typed until the server has it.
(() => {
  "use strict";
  const { toast, one, all } = window.flowpilot;

  // --- Drafts: any form with data-draft, kept in this browser until it was accepted ---
  const store = {
    get: (key) => { try { return localStorage.getItem("draft:" + key); } catch { return null; } },
    set: (key, words) => { try { words ? localStorage.setItem("draft:" + key, words) : localStorage.removeItem("draft:" + key); } catch { /* private window */ } },
  };
  const area = (form) => one("textarea", form);
  const restored = new WeakSet();
  function restore() {
    for (const form of all("form[data-draft]")) {
      const box = area(form);
      if (!box || restored.has(form)) continue;
      restored.add(form);
      const kept = store.get(form.dataset.draft);
      if (kept && kept !== box.value && (!box.value || "draftWins" in form.dataset)) {
        box.value = kept;
        if ("draftWins" in form.dataset) toast("What you had typed here and not saved is back.");
      }
      fit(box);
      hint(form, counted(form));
    }
  }
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-draft]");
    if (!form || event.target !== area(form)) return;
    store.set(form.dataset.draft, event.target.value);
    fit(event.target);
    hint(form, counted(form));
  });
  const grows = CSS.supports("field-sizing", "content");
  function fit(box) {
    if (grows || !box.closest("[data-composer]")) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }

  // --- The composer's own checks; the server has the same ---
  function hint(form, words, isWrong = false) {
    const place = one("[data-hint]", form);
    if (!place) return;
    if (place.textContent !== words) place.textContent = words;
    place.classList.toggle("over", isWrong || isOver(form));
    if (isWrong || isOver(form)) area(form).setAttribute("aria-invalid", "true");
    else area(form).removeAttribute("aria-invalid");
  }
  const lengthOf = (form) => [...area(form).value].length;
  const limitOf = (form) => Number(form.dataset.limit || 0);
  const isOver = (form) => limitOf(form) > 0 && area(form).value.length > limitOf(form) && lengthOf(form) > limitOf(form);
  function counted(form) {
    const limit = limitOf(form);
    if (!limit || area(form).value.length <= limit * 0.8) return "";
    const [length, most] = [lengthOf(form), limit].map((number) => number.toLocaleString("en-GB"));
    return isOver(form) ? `${length} characters; ${most} is the most` : `${length} of ${most} characters`;
  }
  document.addEventListener("htmx:config:request", (event) => {
    const form = event.detail.ctx?.sourceElement;
    if (!form?.matches?.("form[data-draft]")) return;
    const isEmpty = form.matches("[data-composer]") && !area(form).value.trim();
    if (!isEmpty && !isOver(form)) { event.detail.ctx.draftSent = area(form).value; return; }
    event.preventDefault();
    hint(form, isEmpty ? "Write what you see first." : counted(form), true);
    area(form).focus();
  });
  // A reply that sends to the sign-in is no acceptance, though its status is 200.
  const isSignIn = (response) => {
    const where = response.headers?.get("HX-Redirect");
    return Boolean(where) && where.startsWith(document.body.dataset.signIn || "/accounts/login");
  };
  document.addEventListener("htmx:after:request", (event) => {
    const { sourceElement: form, response, draftSent } = event.detail.ctx || {};
    if (draftSent === undefined || !response || response.status >= 400 || isSignIn(response)) return;
    const box = area(form);
    const since = box.value === draftSent ? "" : box.value.startsWith(draftSent) ? box.value.slice(draftSent.length).trimStart() : box.value;
    store.set(form.dataset.draft, form.matches("[data-composer]") ? since : "");
    if (!form.matches("[data-composer]")) return;
    box.value = since; // what was typed while it was on its way stays
    fit(box);
    hint(form, "");
    box.focus();
  });

  // --- Files cannot be attached yet: say so, and keep what is typed ---
  function refuse(files) {
    const [file] = files;
    const size = (file.size / 1048576).toFixed(file.size > 10485760 ? 0 : 1);
    toast(`“${file.name || "The pasted file"}” (${size} MB) was not taken: files can’t be attached yet. Paste its words instead. Nothing you typed is lost.`, "red");
  }
  document.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    if (!data?.files?.length || [...data.types].includes("text/plain")) return; // cells and mail come with a picture: the words are meant
    if (event.target.closest?.("form[data-composer]")) { event.preventDefault(); refuse(data.files); }
  });
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
      event.preventDefault(); // or the browser leaves the page for the file
      if (kind === "drop" && event.dataTransfer.files.length) refuse(event.dataTransfer.files);
    });
  }

  restore();
  document.addEventListener("htmx:after:swap", restore);
})();
