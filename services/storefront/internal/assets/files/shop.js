// What pages can do beyond links and forms. Everything works without it.
(() => {
  const doc = document, root = doc.documentElement;
  root.classList.add("scripted");

  // Filters are open where there is room for them.
  const roomy = matchMedia("(min-width: 60rem)");
  const open = () => doc.querySelectorAll("[data-open-wide]").forEach(d => { d.open = roomy.matches; });
  addEventListener("DOMContentLoaded", open);
  roomy.addEventListener("change", open);
  addEventListener("htmx:afterSwap", e => {
    if (e.detail.target.id === "listing") doc.querySelectorAll("[data-open-wide]").forEach(d => { d.open = true; });
  });

  // What was answered is read first.
  addEventListener("DOMContentLoaded", () => { const note = doc.querySelector("[data-focus]"); if (note) note.focus(); });

  // A filter holds once it is changed: the enter key, which changes it too, sends it no second time.
  addEventListener("submit", e => { if (e.target.id === "filters") e.preventDefault(); });

  // Whoever goes on in a listing goes on at the first product that came.
  let before = 0;
  addEventListener("htmx:beforeSwap", e => { if (e.detail.target.id === "grid") before = e.detail.target.children.length; });
  addEventListener("htmx:afterSettle", e => {
    if (e.detail.target.id !== "grid") return;
    const came = e.detail.target.children[before], link = came && came.querySelector("h3 a");
    if (link) link.focus({ preventScroll: true });
  });

  // Menus close when somebody goes elsewhere.
  const menus = except => doc.querySelectorAll(".top details[open]").forEach(d => { if (!d.contains(except)) d.open = false; });
  addEventListener("click", e => menus(e.target));
  addEventListener("keydown", e => {
    if (e.key !== "Escape") return;
    const inside = doc.activeElement && doc.activeElement.closest(".top details[open]");
    menus(null);
    if (inside) inside.querySelector("summary").focus();
  });

  // Whatever htmx could not do is said.
  const toast = text => { const t = doc.getElementById("toast"); if (t) { t.textContent = text; clearTimeout(toast.timer); toast.timer = setTimeout(() => { t.textContent = ""; }, 6000); } };
  for (const what of ["htmx:sendError", "htmx:timeout", "htmx:responseError", "htmx:swapError"])
    addEventListener(what, () => toast(doc.body.dataset.again));

  // What was put into the cart is confirmed beside the page, until somebody has seen it. The form is another one then: what it sends next is added too.
  const added = () => doc.getElementById("added"), shut = () => { added().textContent = ""; };
  const fresh = key => { key.value = [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, "0")).join(""); };
  addEventListener("htmx:afterRequest", e => { if (e.detail.successful) e.target.querySelectorAll("[name=key]").forEach(fresh); });
  addEventListener("pageshow", e => { if (e.persisted) doc.querySelectorAll("[name=key]").forEach(fresh); });
  addEventListener("click", e => { if (e.target.closest("[data-shut]") || !e.target.closest("#added")) shut(); });
  addEventListener("keydown", e => { if (e.key === "Escape") shut(); });

  // Quantities follow at once, and wait for the last of many clicks. The cart says what has become of it, and keeps a place for the keyboard.
  addEventListener("click", e => {
    const step = e.target.closest(".stepper [name=step]");
    if (!step) return;
    e.preventDefault();
    const field = step.form.elements.quantity;
    field.value = Math.min(9999, Math.max(0, Number(field.value) + Number(step.value)));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  addEventListener("htmx:afterSettle", e => {
    const cart = doc.getElementById("cart");
    if (!cart || !(cart === e.detail.elt || cart.contains(e.detail.elt))) return;
    doc.getElementById("said").textContent = [...cart.querySelectorAll("[data-say]")].map(n => n.innerText).join(" ");
    if (doc.activeElement === doc.body) cart.querySelector("h1").focus();
  });

  // Whoever changes the cart and leaves for the checkout at once takes the change along: the form waits until it is made.
  let changing = 0, leave = false;
  const ofCart = e => e.detail.elt && e.detail.elt.closest && e.detail.elt.closest("#cart");
  const settled = good => {
    const form = doc.querySelector('#cart form[action$="/checkout"]');
    if (!changing && leave) { leave = false; if (good && form) form.requestSubmit(); }
  };
  addEventListener("change", e => {
    if (!e.target.closest(".stepper")) return;
    changing++;
    setTimeout(() => { changing--; settled(true); }, 400); // the request has begun, or the field was refused
  });
  addEventListener("htmx:beforeRequest", e => { if (ofCart(e)) changing++; });
  addEventListener("htmx:afterRequest", e => { if (e.detail.pathInfo && e.detail.pathInfo.requestPath.includes("/cart/")) { changing = Math.max(0, changing - 1); const good = e.detail.successful; setTimeout(() => settled(good), 50); } });
  doc.addEventListener("submit", e => {
    if (changing && e.target.matches('#cart form[action$="/checkout"]')) { e.preventDefault(); leave = true; }
  }, true);

  // The search field suggests: a combobox as ARIA has it.
  addEventListener("DOMContentLoaded", () => {
    const field = doc.querySelector("[data-suggest]"), box = doc.getElementById("suggestions");
    if (!field || !box) return;
    let timer, asked = "", at = -1, abort;
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-expanded", "false");
    field.setAttribute("aria-controls", "suggestion-list");
    field.setAttribute("aria-autocomplete", "list");
    const options = () => [...box.querySelectorAll("[role=option]")];
    const show = on => { box.hidden = !on; field.setAttribute("aria-expanded", String(on)); if (!on) mark(-1); };
    const mark = i => {
      at = i;
      options().forEach((o, n) => o.setAttribute("aria-selected", String(n === i)));
      const o = options()[i];
      if (o) { field.setAttribute("aria-activedescendant", o.id); o.scrollIntoView({ block: "nearest" }); } else field.removeAttribute("aria-activedescendant");
    };
    const ask = async () => {
      const words = field.value.trim();
      if (words === asked) return;
      asked = words;
      if (abort) abort.abort();
      if (words.length < 2) return show(false);
      abort = new AbortController();
      try {
        const r = await fetch(field.dataset.suggest + "?q=" + encodeURIComponent(words), { signal: abort.signal });
        box.innerHTML = r.status === 200 ? await r.text() : "";
        show(options().length > 0 && doc.activeElement === field);
      } catch { /* the next key asks again */ }
    };
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
    field.addEventListener("focus", () => { if (options().length) show(true); });
    field.addEventListener("keydown", e => {
      const n = options().length;
      if (e.key === "Escape") { show(false); return; }
      if (box.hidden || !n) return;
      if (e.key === "ArrowDown") { e.preventDefault(); mark((at + 1) % n); }
      if (e.key === "ArrowUp") { e.preventDefault(); mark((at - 1 + n) % n); }
      if (e.key === "Enter" && at >= 0) { e.preventDefault(); options()[at].querySelector("a").click(); }
    });
    field.form.addEventListener("focusout", e => { if (!field.form.contains(e.relatedTarget)) show(false); });
    box.addEventListener("mousedown", e => e.preventDefault());
  });
})();
