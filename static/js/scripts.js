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
      if (reply.headers.get("HX-Trigger")) document.body.dispatchEvent(new CustomEvent(reply.headers.get("HX-Trigger"), { bubbles: true }));
    } catch {
      toast("Connection lost. Nothing was copied.", "red");
    } finally {
      button.removeAttribute("aria-busy");
    }
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
