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
    const isEmpty = form.matches("[data-composer]") && !area(form).value.trim() && !one("[name=attachment]", form);
    const asked = form.id === "composer" && typed();
    if (asked && commandOf(asked[1])) { event.preventDefault(); return commandOf(asked[1]).click(); }
    if (isAdding && one("#files", form)) { event.preventDefault(); return hint(form, "A file is still being added: one moment.", true); }
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

  // --- Screenshots and files: pasted, dropped or chosen; each is on the server before the message is sent ---
  const MOST_BYTES = 10 * 1048576;
  const queue = [];
  let isAdding = false;
  function add(files) {
    if (!one("#files")) return toast("Start the session first, then add the file. Nothing you typed is lost.", "red");
    for (const file of files) {
      const size = (file.size / 1048576).toFixed(file.size > MOST_BYTES ? 0 : 1);
      if (file.size > MOST_BYTES) toast(`“${file.name || "The pasted file"}” (${size} MB) was not taken: 10 MB is the most. Crop it, or paste the part that matters. Nothing you typed is lost.`, "red");
      else queue.push(file);
    }
    next();
  }
  function next() {
    const input = one("#files");
    if (isAdding || !queue.length || !input) return;
    const data = new DataTransfer();
    for (const file of queue.splice(0)) data.items.add(file);
    isAdding = true;
    input.files = data.files;
    input.dispatchEvent(new CustomEvent("add-files", { bubbles: true }));
  }
  function named(file) {
    const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "");
    return file.name === "image.png" ? new File([file], `screenshot-${time}.png`, { type: file.type }) : file;
  }
  document.addEventListener("change", (event) => { if (event.target.id === "files") { const chosen = [...event.target.files]; event.target.value = ""; add(chosen); } });
  document.addEventListener("htmx:finally:request", (event) => {
    if (event.detail.ctx?.sourceElement?.id !== "files") return;
    event.detail.ctx.sourceElement.value = "";
    isAdding = false;
    next();
  });
  document.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    const form = event.target.closest?.("form[data-composer]");
    if (!data || !form) return;
    const words = data.getData("text/plain");
    if (!words && data.files.length) { event.preventDefault(); return add([...data.files].map(named)); } // cells and mail come with a picture: the words are meant
    const limit = limitOf(form);
    if (!one("#files", form) || !limit || area(form).value.length + words.length <= limit) return;
    event.preventDefault();
    add([new File([words], "pasted-output.txt", { type: "text/plain" })]);
    toast(`That is more than a message holds, so it goes along as a file: ${words.split("\n").length.toLocaleString("en-GB")} lines.`);
  });
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
      event.preventDefault(); // or the browser leaves the page for the file
      if (kind === "drop" && event.dataTransfer.files.length) add([...event.dataTransfer.files]);
    });
  }

  // --- Slash commands: typed alone in the box, or chosen from the menu; every one presses what the page has anyway ---
  const COMMAND = /^(\/[a-z]*)(?:[ \n]+([^]*))?$/;
  const menu = () => one("#slash-menu");
  const typed = () => COMMAND.exec(one("#prompt")?.value || "");
  const commandOf = (name) => one(`[data-command="${CSS.escape(name)}"]`);
  function write(box, words) {
    box.value = words;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function command(item, rest) {
    const box = one("#prompt");
    menu().hidePopover();
    if (item.dataset.says) {
      write(box, rest ? `${item.dataset.says} ${rest}` : item.dataset.says);
      return box.form.requestSubmit();
    }
    if (!item.dataset.fills) return write(box, rest); // what stood after the command is nobody's to throw away
    write(box, "");
    const form = one(item.dataset.fills);
    form.hidden = false;
    const field = one("input:not([type=hidden]), textarea", form);
    write(field, [field.value, rest].filter(Boolean).join(" "));
    field.focus();
  }
  document.addEventListener("click", (event) => {
    const item = event.target.closest?.("[data-command]");
    if (item) command(item, typed()?.[2] || "");
  });
  document.addEventListener("input", (event) => {
    if (event.target.id !== "prompt" || !menu()) return;
    const found = typed();
    const items = all("[data-command]", menu());
    for (const item of items) item.hidden = Boolean(found) && !item.dataset.command.startsWith(found[1]);
    const isOpen = menu().matches(":popover-open");
    const isWanted = Boolean(found) && found[2] === undefined && items.some((item) => !item.hidden);
    if (isWanted && !isOpen) menu().showPopover();
    if (!isWanted && isOpen) menu().hidePopover();
  });
  document.addEventListener("keydown", (event) => {
    if (!menu()?.matches(":popover-open")) return;
    const items = all("[data-command]", menu()).filter((item) => !item.hidden);
    const at = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") items[(at + (event.key === "ArrowDown" ? 1 : items.length - (at < 0 ? 0 : 1))) % items.length].focus();
    else if (event.key === "Enter" && event.target.id === "prompt") items[0].click();
    else return;
    event.preventDefault();
  });

  restore();
  document.addEventListener("htmx:after:swap", restore);
})();
