// What is coming into a data set: a line each, with its progress, a way to end it, and what was left out.

import { ask } from "../api.js";
import { element } from "../dom.js";

const MOST_PROBLEMS_SHOWN = 500;

export class Transfer {
  /** A line in the list. `onCancel` is called once. */
  constructor(list, title, onCancel) {
    this.words = element("p", { class: "transfer-words", "aria-hidden": "true" });
    // The same for ears, but not each percent.
    this.heard = element("p", { class: "visually-hidden", role: "status" });
    this.fill = element("span");
    this.bar = element("div", { class: "bar", role: "progressbar", "aria-label": title, "aria-valuemin": "0", "aria-valuemax": "100" }, this.fill);
    this.button = element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": `Cancel ${title}` }, "Cancel");
    this.button.addEventListener("click", () => {
      this.button.disabled = true;
      this.say("Cancelling…");
      onCancel();
    });
    this.line = element("li", { class: "transfer panel" },
      element("div", { class: "transfer-head" }, element("strong", { class: "transfer-title" }, title), this.button), this.bar, this.words, this.heard);
    list.append(this.line);
  }

  /** `share`: 0..1, null where it is not known. */
  say(words, share) {
    if (this.words.textContent !== words) this.words.textContent = words;
    if (!share && this.heard.textContent !== words) this.heard.textContent = words;
    if (share === undefined) return;
    this.bar.classList.toggle("bar-unknown", share === null);
    const percent = Math.round((share ?? 0) * 100);
    this.fill.style.width = share === null ? "100%" : `${percent}%`;
    if (share === null) this.bar.removeAttribute("aria-valuenow");
    else this.bar.setAttribute("aria-valuenow", percent);
  }

  /** It is over; the line stays until somebody closes it. `kind`: good, bad or plain. */
  end(words, kind = "plain") {
    this.say(words);
    this.bar.remove();
    this.line.classList.add(`transfer-${kind}`);
    const close = element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: () => this.close() }, "Close");
    const hadFocus = document.activeElement === this.button || document.activeElement === document.body;
    this.button.replaceWith(close);
    if (hadFocus && kind === "bad") close.focus();
  }

  close() {
    const list = this.line.parentNode;
    this.line.remove();
    list.tabIndex = -1;
    list.focus();
  }

  /** `problems`: {name, reason}; `count`: of all, where not all are there; `what` they are. */
  showProblems(problems, count = problems.length, what = "left out") {
    if (!problems.length) return;
    const rows = problems.slice(0, MOST_PROBLEMS_SHOWN).map((one) => element("tr", {}, element("td", {}, one.name), element("td", {}, one.reason)));
    const head = element("tr", {}, element("th", { scope: "col" }, "File"), element("th", { scope: "col" }, "Why"));
    const words = `${count.toLocaleString()} ${what}${count > rows.length ? `, the first ${rows.length}` : ""}`;
    this.line.append(element("details", { class: "problems" },
      element("summary", {}, words),
      element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": words },
        element("table", { class: "plain-table" }, element("thead", {}, head), element("tbody", {}, ...rows)))));
  }

  /** What an import's job left out, and what was wrong in files that say what is on the pictures. */
  async showProblemsOf(job) {
    const { left_out: leftOut = 0, problems = 0 } = job.progress.figures;
    if (!leftOut && !problems) return;
    const page = await ask("GET", `/api/v1/jobs/${job.id}/problems`, { query: { limit: MOST_PROBLEMS_SHOWN } });
    this.showProblems(page.results, leftOut + problems, problems ? "things wrong" : "left out");
  }
}
