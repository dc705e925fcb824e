// What the checkout can do beyond forms. Everything but the card form works without it.
(() => {
  const doc = document;

  // The time for which stock is held counts down. What happens at its end is said, and nothing is taken away.
  const hold = doc.querySelector("[data-hold]");
  if (hold) {
    const left = hold.querySelector("[data-left]"), end = performance.now() + hold.dataset.hold * 1000;
    const tick = () => {
      const s = Math.ceil((end - performance.now()) / 1000);
      if (s <= 0) { hold.lastElementChild.textContent = hold.dataset.over; return; }
      left.textContent = Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0");
      setTimeout(tick, 1000);
    };
    tick();
  }

  // What happens by itself needs no button.
  doc.querySelectorAll("[data-scriptless]").forEach(b => { b.hidden = true; });

  // The fields of an address that come with its country keep what is typed while they are on their way.
  let typed = [];
  addEventListener("htmx:beforeSwap", e => { if (e.detail.target.matches(".parts .rest")) typed = [...e.detail.target.querySelectorAll("input")]; });
  addEventListener("htmx:afterSwap", () => {
    typed.forEach(was => { const now = doc.getElementById(was.id); if (now && now.matches("input")) now.value = was.value; });
    typed = [];
  });

  // A form that buys is sent once. Coming back to the page by the browser's button wakes it again: the server knows what was sent before.
  const busy = doc.querySelector("[data-busy]");
  doc.querySelectorAll("form[data-once]").forEach(f => {
    const button = f.querySelector("button[type=submit]"), words = button.textContent;
    const set = on => { f.dataset.sent = on ? "1" : ""; button.setAttribute("aria-disabled", String(on)); button.textContent = on ? busy.dataset.busy : words; };
    f.addEventListener("submit", e => { if (f.dataset.sent) e.preventDefault(); else if (!e.defaultPrevented) set(true); });
    addEventListener("pageshow", e => { if (e.persisted) set(false); });
  });

  // Braintree's form gives a nonce for the card; the card itself never comes here.
  const box = doc.getElementById("dropin");
  if (box) addEventListener("load", () => {
    const form = box.closest("form"), button = form.querySelector("button[type=submit]"), loading = form.querySelector("[data-loading]");
    const failed = () => { loading.hidden = true; box.textContent = box.dataset.failed; };
    if (!window.braintree) { failed(); return; }
    loading.hidden = false;
    window.braintree.dropin.create({ authorization: box.dataset.token, container: box, locale: box.dataset.locale, dataCollector: true }).then(d => {
      loading.hidden = true;
      let ready = false;
      form.addEventListener("submit", e => {
        if (ready) return;
        e.preventDefault();
        e.stopImmediatePropagation();
        d.requestPaymentMethod().then(p => {
          form.elements.nonce.value = p.nonce;
          form.elements.device_data.value = p.deviceData || "";
          ready = true;
          form.requestSubmit(button);
        }, () => { /* the form says what is wrong */ });
      }, true);
    }, failed);
  });
})();
