// Many pictures, a few at a time: a line for each, from the first byte to its answer.

import { waitForPrediction } from "./polling.js";
import { makePredictionId } from "./prediction_id.js";
import { QueueLine } from "./queue_line.js";
import { refusalWords, sendForm } from "./upload_request.js";

const AT_A_TIME = 3;
const CREATED = 201;
const ALREADY_THERE = 409;
const PASSES = [0, 429, 503]; // no answer, or a server that is busy
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
const ANNOUNCE_MS = 10_000; // a screen reader hears how far it is no oftener

export class UploadQueue {
  /** `addressesOf(predictionId)` gives {api, page}. */
  constructor(area, statusWords, addressesOf) {
    Object.assign(this, { area, statusWords, addressesOf });
    this.stopButton = area.querySelector("[data-stop]");
    this.moreButton = area.querySelector("#more-pictures");
    this.stopButton.addEventListener("click", () => this.running?.abort());
    window.addEventListener("beforeunload", (event) => {
      if (this.running) event.preventDefault(); // what is not sent yet would be lost
    });
  }

  /** `complaintAbout(file)` gives what is wrong with a file before it is sent, or null. */
  async start(form, files, model, complaintAbout) {
    this.form = form;
    this.lines = files.map((file) => new QueueLine(file, this.statusWords));
    this.done = 0;
    this.announcedAt = performance.now();
    const { signal } = (this.running = new AbortController());
    this.area.querySelector("[data-lines]").replaceChildren(...this.lines.map((line) => line.element));
    const title = this.area.querySelector(".queue-title");
    title.textContent = [`${files.length} pictures`, model].filter(Boolean).join(", ");
    this.stopButton.hidden = false;
    this.moreButton.hidden = true;
    this.area.hidden = false;
    this.count();
    title.focus();
    const waiting = this.lines.values();
    const work = async () => {
      for (const line of waiting) {
        await this.send(line, complaintAbout(line.file), signal);
        this.done += 1;
        this.count();
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    this.end();
  }

  async send(line, complaint, signal) {
    if (complaint) {
      line.refuse(complaint);
      return;
    }
    const predictionId = makePredictionId(Number(this.form.dataset.idLength));
    const addresses = this.addressesOf(predictionId);
    try {
      signal.throwIfAborted();
      const refusal = await this.upload(line, predictionId, signal);
      if (refusal) {
        line.refuse(refusal);
        return;
      }
      line.wait(addresses.page);
      const answer = await waitForPrediction(addresses.api, {
        signal,
        onTrouble: (trouble) => line.say(`${trouble} Trying again…`),
        onWaiting: () => line.wait(addresses.page),
      });
      line.show(answer, addresses.page);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      line.stop();
    }
  }

  /** Tries until the server has it; resolves with the words of a refusal, or null. */
  async upload(line, predictionId, signal) {
    const data = new FormData(this.form);
    data.set("prediction_id", predictionId);
    data.set("image", line.file, line.file.name);
    for (let pause = FIRST_PAUSE_MS, isAgain = false; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2), isAgain = true) {
      const response = await sendForm(this.form.action, data, { signal, onProgress: (share) => line.progress(share) });
      signal.throwIfAborted();
      if (response.status === CREATED) return null;
      // The answer to an earlier try was lost on its way.
      if (isAgain && response.status === ALREADY_THERE && response.body?.code === "prediction_id_used") return null;
      if (!PASSES.includes(response.status)) return refusalWords(response);
      if (response.status === 0 && !(await isReadable(line.file))) return "The file is gone, or has changed.";
      line.say(response.status ? "The server is busy. Trying again…" : "The server cannot be reached. Trying again…");
      await rest(Math.max(pause, response.retryAfter * 1000), signal);
    }
  }

  count() {
    const all = this.lines.length;
    const failed = this.lines.filter((line) => line.hasFailed).length;
    const words = `${this.done} of ${all} done${failed ? `, ${failed} without an answer` : ""}`;
    this.area.querySelector("[data-count]").textContent = words;
    this.area.querySelector(".queue-bar").value = this.done / all;
    if (this.done < all && performance.now() - this.announcedAt < ANNOUNCE_MS) return;
    this.announcedAt = performance.now();
    this.area.querySelector("[data-said]").textContent = words;
  }

  end() {
    const hadFocus = document.activeElement === this.stopButton;
    this.running = null;
    this.stopButton.hidden = true;
    this.moreButton.hidden = false;
    if (hadFocus) this.moreButton.focus();
  }

  close() {
    for (const line of this.lines ?? []) line.forget();
    this.area.hidden = true;
  }
}

async function isReadable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

function rest(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
