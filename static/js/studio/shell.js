// What every page of the studio has: the way out.

import { ask } from "./api.js";
import { run } from "./dom.js";

const out = document.querySelector("[data-log-out]");
if (out) {
  out.addEventListener("click", () =>
    run(out, async () => {
      await ask("DELETE", "/api/v1/session");
      window.location.assign("/login");
    }),
  );
  out.disabled = false; // not before it does something
}
