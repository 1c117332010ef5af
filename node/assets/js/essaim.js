// What the page does better with JavaScript. Everything works without: each line here only saves a click.
"use strict";

// Buttons that copy the text of another element: without a clipboard there is nothing to press.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = button.dataset.done;
  });
}
