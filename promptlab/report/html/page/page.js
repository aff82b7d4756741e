"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];

  // What an address names may be folded away: most browsers open it by themselves, this is for all.
  const open = () => {
    const raw = location.hash.slice(1);
    if (!raw) return;
    const target = document.getElementById(raw);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) open();
  });
  open();

  // The theme that was chosen last, where the browser lets a page remember it.
  const themes = all("input[name=theme]");
  const remembered = (choice) => {
    try {
      if (choice) localStorage.setItem("promptlab-theme", choice);
      return localStorage.getItem("promptlab-theme");
    } catch {
      return null;
    }
  };
  const known = themes.find((theme) => theme.value === remembered());
  if (known) known.checked = true;
  themes.forEach((theme) => theme.addEventListener("change", () => remembered(theme.value)));

  // The filter of the cases.
  const form = document.getElementById("filter");
  if (!form) return;
  const find = document.getElementById("find");
  const kind = document.getElementById("kind");
  const found = document.getElementById("found");
  const rows = all("#heat tbody tr").map((row) => ({
    row,
    box: document.querySelector(`.case-box[data-case="${CSS.escape(row.dataset.case)}"]`),
    text: `${row.textContent} ${row.dataset.tags || ""}`.toLowerCase(),
  }));
  const narrow = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const { row, box, text } of rows) {
      const fits =
        (kind.value === "all" || kind.value in row.dataset) &&
        words.every((word) => text.includes(word));
      row.hidden = !fits;
      if (box) box.hidden = !fits;
      left += fits;
    }
    found.textContent = left === rows.length ? "" : `${left} of ${rows.length} cases`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  find.addEventListener("input", narrow);
  kind.addEventListener("change", narrow);
  form.hidden = false;
})();
