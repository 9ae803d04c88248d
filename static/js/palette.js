// The command palette: Ctrl K opens it, arrows move, Enter opens, Ctrl Enter starts a session. The words stay in the field; what is chosen is named there.
(() => {
  "use strict";
  const { one, all } = window.flowpilot;
  const dialog = () => one("dialog#palette[open]");
  const field = (box) => one("[role=combobox]", box);
  const options = (box) => all("[role=option]:not([aria-disabled])", box);
  const chosen = (box) => one("[role=option][aria-selected=true]", box);

  let typed = null; // what is typed while the palette is on its way
  function open() {
    const opener = one("[data-palette]");
    if (!opener || typed !== null) return;
    typed = "";
    window.htmx.ajax("GET", opener.href, { source: opener, target: "#modal", swap: "innerHTML" }); // a click could come before htmx hears it
  }
  function catchUp(box) {
    const words = typed;
    typed = null;
    if (!words) return;
    field(box).value = words + field(box).value;
    field(box).dispatchEvent(new Event("input", { bubbles: true }));
  }

  function choose(box, option) {
    for (const old of all("[aria-selected=true]", box)) old.setAttribute("aria-selected", "false");
    if (!option) return field(box).removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    field(box).setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }
  function step(box, by) {
    const list = options(box);
    const at = list.indexOf(chosen(box));
    if (list.length) choose(box, list[(at + by + list.length) % list.length]);
  }
  function start(box, option) {
    const form = one("#pal-start", box);
    form.action = option.dataset.start;
    form.elements.text.value = option.dataset.text || "";
    form.submit();
  }
  function run(box, option) {
    if (!option) return;
    if (option.dataset.thenShows) { box.close(); return one(option.dataset.thenShows).showModal(); }
    if (option.dataset.text !== undefined) return start(box, option);
    location.assign(option.href);
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog()) return dialog().close();
      return one("dialog[open]") ? undefined : open();
    }
    if (typed !== null && !event.ctrlKey && !event.metaKey && event.key.length === 1) { typed += event.key; return event.preventDefault(); }
    const box = dialog();
    if (!box || event.target !== field(box)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(box, event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) chosen(box)?.dataset.start && start(box, chosen(box));
    else if (event.key === "Enter") run(box, chosen(box));
    else return;
    event.preventDefault();
  });
  document.addEventListener("htmx:error", (event) => { if (event.detail?.ctx?.sourceElement?.matches?.("[data-palette]")) typed = null; });
  document.addEventListener("click", (event) => {
    const option = event.target.closest?.("#palette [role=option]:not([aria-disabled])");
    if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    run(dialog(), option);
  });
  document.addEventListener("pointermove", (event) => {
    const option = event.target.closest?.("#palette [role=option]:not([aria-disabled])");
    if (option && option !== chosen(dialog())) choose(dialog(), option);
  });
  // What was chosen stays chosen while tickets come in later; a new search begins at its first.
  function keepChoice(box) {
    if (!chosen(box)) choose(box, options(box)[0]);
    const count = options(box).length;
    const words = `${count} result${count === 1 ? "" : "s"}`;
    if (one("#pal-count", box).textContent !== words) one("#pal-count", box).textContent = words;
  }
  // While htmx settles, the old option is gone already, and no field may name it; afterwards its attributes are those of the reply.
  for (const name of ["htmx:before:settle", "htmx:after:swap"]) {
    document.addEventListener(name, () => {
      const box = dialog() || one("#palette");
      if (!box) return;
      if (name === "htmx:after:swap" && typed !== null && box.open) setTimeout(catchUp, 0, box); // once htmx listens to the field
      keepChoice(box);
    });
  }
})();
