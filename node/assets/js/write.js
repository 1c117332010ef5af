// Keeps what is typed when the page is left, and says when it could not be kept. Without it, every button keeps.
"use strict";
{
  const form = document.getElementById("ecrire");
  let sent = false;
  form.addEventListener("submit", () => {
    sent = true;
    // What a pause was about to send may come after what the button sends.
    htmx.trigger(form, "htmx:abort");
  });
  addEventListener("pageshow", () => { sent = false; });
  addEventListener("pagehide", () => {
    if (!sent) navigator.sendBeacon(form.dataset.garder, new URLSearchParams(new FormData(form)));
  });
  for (const failure of ["htmx:sendError", "htmx:responseError"]) {
    form.addEventListener(failure, () => { document.getElementById("etat").textContent = form.dataset.perdu; });
  }
}
