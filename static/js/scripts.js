// Copying a script: the server renders it once, secrets and all, for the clipboard; nothing of it stays in the page.
(() => {
  "use strict";
  const { toast, one } = window.flowpilot;

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy-from]");
    if (!button || button.disabled) return;
    const form = button.form || button.closest("form");
    if (form && !form.reportValidity()) return;
    const body = form ? new FormData(form) : new FormData();
    if (button.name) body.set(button.name, button.value);
    button.setAttribute("aria-busy", "true");
    try {
      const reply = await fetch(button.dataset.copyFrom, { method: "POST", body, headers: { "HX-Request": "true", "X-CSRFToken": token(form) } });
      const text = await reply.text();
      if (!reply.ok) return one("#toasts")?.insertAdjacentHTML("beforeend", text);
      await write(text);
      toast("Copied. Read it before you run it.");
      if (reply.headers.get("HX-Redirect")) return location.assign(reply.headers.get("HX-Redirect"));
      if (reply.headers.get("HX-Trigger")) document.body.dispatchEvent(new CustomEvent(reply.headers.get("HX-Trigger"), { bubbles: true }));
    } catch {
      toast("Connection lost. Nothing was copied.", "red");
    } finally {
      button.removeAttribute("aria-busy");
    }
  });

  // A plain submit inside an htmx form: a download is a file, not a swap.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-plain]");
    if (!button?.form) return;
    event.preventDefault();
    event.stopPropagation();
    if (!button.form.reportValidity()) return;
    const address = button.getAttribute("formaction") || button.form.getAttribute("action");
    const form = Object.assign(document.createElement("form"), { method: "post", action: address, hidden: true });
    for (const [name, value] of new FormData(button.form)) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    document.body.append(form);
    form.submit();
    form.remove();
  }, true);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-empties]");
    if (button) one(button.dataset.empties).replaceChildren();
    if (event.target.closest?.("[data-shows-chat]") && document.getElementById("view-chat")) document.getElementById("view-chat").checked = true;
  });

  const token = (form) => one("[name=csrfmiddlewaretoken]", form || document)?.value || "";

  async function write(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "sr";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }
})();
