// The admin's lists: one box chooses every row, and an action needs a row.
(() => {
  "use strict";
  const form = document.querySelector("#changelist-form");
  if (!form) return;
  const all = form.querySelector("#action-toggle");
  const rows = [...form.querySelectorAll("input.action-select")];
  const mark = () => {
    const chosen = rows.filter((row) => row.checked).length;
    if (all) {
      all.checked = chosen > 0 && chosen === rows.length;
      all.indeterminate = chosen > 0 && chosen < rows.length;
    }
    for (const row of rows) row.closest("tr").ariaCurrent = row.checked ? "true" : null;
  };
  const follow = () => {
    for (const row of rows) row.checked = all.checked;
    mark();
  };
  all?.addEventListener("change", follow);
  form.addEventListener("change", mark);
  if (all?.checked) follow(); // ticked before this ran
  else mark();
})();
