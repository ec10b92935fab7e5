// Files that somebody chose or dropped: a zip is sent and imported, pictures are sent one after the other.

import { ask, upload } from "../api.js";
import { element, say } from "../dom.js";
import { bytes } from "../../format.js";
import { PARTS, asked, choice, labelField } from "./dialogs.js";
import { followImport } from "./import_jobs.js";
import { Transfer } from "./transfers.js";

const MOST_AT_ONCE = 3;
/** Task -> [format of the API, words]. */
const ZIP_FORMATS = {
  detection: [["yolo", "boxes as YOLO has them"], ["coco", "boxes as COCO has them"], ["pictures", "pictures alone"]],
  segmentation: [["masks", "pictures and masks"], ["pictures", "pictures alone"]],
};

export class Adding {
  /** `task`: of the data set; `limits`: extensions, pictureBytes, zipBytes. `labels()` gives those that there are; `onNews()` hears of new pictures. */
  constructor(datasetId, { task, list, limits, labels, onNews }) {
    Object.assign(this, { datasetId, task, list, limits, labels, onNews });
    this.path = `/api/v1/datasets/${datasetId}`;
    this.sending = 0;
    window.addEventListener("beforeunload", (event) => this.sending && event.preventDefault());
  }

  async add(files) {
    const zips = files.filter(isZip);
    const pictures = files.filter((file) => !isZip(file));
    const complaint = zips.map((file) => this.complaintAbout(file)).find(Boolean);
    if (complaint) say(complaint, "bad");
    for (const zip of complaint ? [] : zips) await this.askAndSendZip(zip);
    if (pictures.length) await this.askAndSendPictures(pictures);
  }

  async askAndSendZip(file) {
    const { rows, read } = this.task === "classification" ? labelOfZip(this.labels()) : formatOfZip(this.task);
    const query = await asked(`Add ${file.name} (${bytes(file.size)})`, rows, { word: "Add", read });
    if (query !== null) this.sendZip(file, query);
  }

  /** `query`: of the API's zips, its label or format. */
  async sendZip(file, query) {
    const stopping = new AbortController();
    let job = null;
    const cancel = () => (job ? ask("POST", `/api/v1/jobs/${job.id}/cancel`).catch((error) => shown.say(error.message)) : stopping.abort());
    const shown = new Transfer(this.list, file.name, cancel);
    const onProgress = (share) => shown.say(share < 1 ? `Sending: ${bytes(share * file.size)} of ${bytes(file.size)}` : "Sent; the server stores it…", share < 1 ? share : null);
    this.sending += 1;
    onProgress(0);
    try {
      const headers = { "Content-Type": "application/zip" };
      job = await upload(`${this.path}/zips`, { body: file, headers, query, onProgress, signal: stopping.signal });
    } catch (error) {
      if (error.name === "AbortError") shown.end("Cancelled; nothing was added.");
      else shown.end(error.message, "bad");
      return;
    } finally {
      this.sending -= 1;
    }
    await followImport(job, { transfer: shown, onNews: this.onNews }).catch((error) => shown.end(error.message, "bad"));
  }

  async askAndSendPictures(files) {
    const label = this.task === "classification" ? labelField(this.labels()) : null;
    const part = choice("Part", PARTS);
    const names = element("p", { class: "field-hint" }, files.length === 1 ? files[0].name : `${files[0].name} and ${(files.length - 1).toLocaleString()} more`);
    const title = files.length === 1 ? "Add a picture" : `Add ${files.length.toLocaleString()} pictures`;
    const given = await asked(title, [names, ...(label ? [label.row] : []), part.row], {
      word: "Add",
      read: () => ({ ...(label ? { label: label.input.value.trim() } : {}), split: part.select.value }),
    });
    if (given) this.sendPictures(files, given);
  }

  async sendPictures(files, values) {
    const stopping = new AbortController();
    const title = files.length === 1 ? files[0].name : `${files.length.toLocaleString()} pictures${values.label ? `, labelled ${values.label}` : ""}`;
    const shown = new Transfer(this.list, title, () => stopping.abort());
    const problems = [];
    const waiting = [...files];
    let added = 0;
    const tell = () => shown.say(`Sending: ${(added + problems.length).toLocaleString()} of ${files.length.toLocaleString()}`, (added + problems.length) / files.length);
    const sendNext = async () => {
      for (let file = waiting.shift(); file && !stopping.signal.aborted; file = waiting.shift()) {
        const problem = await this.sendPicture(file, values, stopping.signal);
        if (problem === null) added += 1;
        else if (problem) problems.push({ name: file.name, reason: problem });
        if (!stopping.signal.aborted) tell();
      }
    };
    this.sending += 1;
    tell();
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, sendNext));
    this.sending -= 1;
    const words = `${added === 1 ? "1 picture" : `${added.toLocaleString()} pictures`} added`;
    shown.end(stopping.signal.aborted ? `Cancelled; ${words}.` : `${words}${problems.length ? `, ${problems.length.toLocaleString()} left out` : ""}.`, problems.length ? "bad" : "good");
    shown.showProblems(problems);
    this.onNews();
  }

  /** null when it is there, "" when it was cancelled, else what is wrong. */
  async sendPicture(file, values, signal) {
    const complaint = this.complaintAbout(file);
    if (complaint) return complaint;
    const form = new FormData();
    for (const [name, value] of Object.entries(values)) form.set(name, value);
    form.set("image", file);
    try {
      await ask("POST", `${this.path}/items`, { form, signal });
      return null;
    } catch (error) {
      return error.name === "AbortError" ? "" : error.message;
    }
  }

  complaintAbout(file) {
    const { extensions, pictureBytes, zipBytes } = this.limits;
    const most = isZip(file) ? zipBytes : pictureBytes;
    if (file.size > most) return `${file.name} has ${bytes(file.size)}; at most ${bytes(most)} can be sent.`;
    if (!file.size) return `${file.name} is empty, or a folder. Folders come as a zip.`;
    const extension = file.name.slice(file.name.lastIndexOf(".") + 1).toLowerCase();
    const isKnown = isZip(file) || extensions.includes(extension);
    return isKnown ? "" : `This kind of file is not supported. Supported are: zip, ${extensions.join(", ")}.`;
  }
}

/** Files may be dropped anywhere on the page; `veil` shows that they may. */
export function listenToDrops(veil, onFiles) {
  let depth = 0; // children send enter and leave of their own
  const setDepth = (value) => {
    depth = Math.max(0, value);
    veil.hidden = depth === 0;
  };
  const listen = (name, action) => document.addEventListener(name, (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    action(event);
  });
  listen("dragenter", () => setDepth(depth + 1));
  listen("dragleave", () => setDepth(depth - 1));
  listen("dragover", () => {});
  listen("drop", (event) => {
    setDepth(0);
    const files = [...event.dataTransfer.files];
    if (files.length && !document.querySelector("dialog[open]")) onFiles(files);
  });
}

function labelOfZip(labels) {
  const hint = "Empty: each folder in it is a label, below train, val and test where there are such folders.";
  const { input, row } = labelField(labels, { words: "Label of all its pictures", required: false, hint });
  return { rows: [row], read: () => ({ label: input.value.trim() }) };
}

function formatOfZip(task) {
  const format = choice("What is in it", [["auto", "look for yourself"], ...ZIP_FORMATS[task]], "auto");
  return { rows: [format.row], read: () => ({ format: format.select.value }) };
}

function isZip(file) {
  return /\.zip$/i.test(file.name) || ["application/zip", "application/x-zip-compressed"].includes(file.type);
}
