(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // What goes on is asked for again, and put in place of what stands there.
  const watch = (box) => {
    if (!box.dataset.live) return;
    setTimeout(async () => {
      if (document.hidden) return watch(box);
      try {
        const response = await fetch(box.dataset.live, { headers: { accept: "text/html" } });
        if (!response.ok) throw new Error(response.statusText);
        const text = await response.text();
        const found = new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
        const focused = document.activeElement && document.activeElement.getAttribute("href");
        box.replaceWith(found);
        if (focused) {
          const again = all("a[href]", found).find((link) => link.getAttribute("href") === focused);
          if (again) again.focus({ preventScroll: true });
        }
        watch(found);
      } catch {
        watch(box);
      }
    }, Number(box.dataset.every));
  };
  all("[data-live]").forEach(watch);

  // One key a verdict: a key presses the button that names it, unless somebody is writing.
  const writes = (target) => target.matches && target.matches("input:not([type=radio]),textarea,select");
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (writes(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const wanted = all("[data-keys]").find((each) => each.dataset.keys.split(" ").includes(event.key));
    if (!wanted || wanted.disabled) return;
    event.preventDefault();
    if (wanted.matches("input,textarea")) wanted.focus();
    else wanted.click();
  });

  // A verdict is sent once, however often a key is pressed.
  all("form[method=post]").forEach((form) =>
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    }),
  );
  addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));
})();
