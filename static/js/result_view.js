// The panel of one prediction, templates/pages/_result.html: says how far it is, takes the result as the server wrote
// it, and adds what moves. Names of classes come from elsewhere: nothing here turns text into markup.

import { cancelPrediction } from "./cancelling.js";
import { offerCopies } from "./copy_buttons.js";
import { offerExplanation } from "./explanation.js";
import { percent } from "./format.js";
import { FoundBoxes } from "./found_boxes.js";
import { MaskOverlay } from "./mask_overlay.js";
import { Players } from "./players.js";
import { fetchPanel, waitForPrediction } from "./polling.js";

const UNKNOWN = 0;
const ACCEPTED = 100;
const CANCELLED = { title: "Cancelled", text: "The video is deleted, and what was seen in it." };
const PARTS = [".result-pictures", ".result-body"];
const STATE = ["kind", "media", "imageKept", "paired"];

export class ResultView {
  constructor(panel) {
    this.panel = panel;
    this.words = JSON.parse(panel.dataset.statusWords);
    this.blank = panel.cloneNode(true);
    this.ownCopy = null; // the address of the page's own copy of the picture
    this.addMotion();
  }

  find(selector) {
    return this.panel.querySelector(selector);
  }

  get isVideo() {
    return this.panel.dataset.media === "video";
  }

  /** A new upload: `ownCopy` is the blob: address of its file. */
  start({ media, model, ownCopy, imageKept }) {
    this.ownCopy = null;
    this.take(this.blank);
    Object.assign(this.panel.dataset, { media, imageKept });
    this.ownCopy = media === "picture" ? ownCopy : null;
    this.addMotion();
    this.find(".result-model").textContent = model;
  }

  showSending(share) {
    this.panel.dataset.kind = "sending";
    const bar = this.find(".sending-bar");
    this.find(".sending").hidden = false;
    if (share < 1) bar.value = share;
    else bar.removeAttribute("value"); // all sent; the server reads it
    this.setTitle(`Sending your ${this.panel.dataset.media}…`, share < 1 ? `${Math.round(share * 100)}% sent` : "All sent");
  }

  showWaiting() {
    this.panel.dataset.kind = "waiting";
    this.find(".sending").hidden = !this.isVideo;
    this.showTrouble("");
    const words = this.isVideo ? this.words.video : this.words[ACCEPTED];
    this.setTitle(words.title, words.text);
    this.announce(words.title);
  }

  /** `answer` of a prediction that still runs; a video's says how far it is. */
  showProgress({ progress, frames_done: framesDone }) {
    if (!this.isVideo || typeof progress !== "number") return;
    this.find(".sending-bar").value = progress;
    this.find(".result-facts").textContent = `${percent(progress)}, ${framesDone} frames done.`;
  }

  showTrouble(text) {
    const line = this.find(".result-trouble");
    if (line.textContent === text) return;
    line.textContent = text;
    line.hidden = !text;
    if (text) this.announce(text);
  }

  /**
   * Waits for the end, `addresses` {api, page, prediction}, and shows it. `key`: opens a cancelling where uploads are not
   * open. Rejects with an AbortError when `signal` is aborted.
   */
  async follow(addresses, { signal, key = "" }) {
    let ended = this.words[UNKNOWN];
    this.offerCancelling(async () => {
      ended = CANCELLED; // what is deleted is unknown to the next question
      const trouble = await cancelPrediction(addresses.prediction, key);
      if (!trouble) return;
      ended = this.words[UNKNOWN];
      this.showTrouble(trouble);
    });
    const onTrouble = (trouble) => this.showTrouble(`${trouble} Trying again…`);
    const onWaiting = (answer) => {
      this.showTrouble("");
      this.showProgress(answer);
    };
    const answer = await waitForPrediction(addresses.api, { signal, isVideo: this.isVideo, onTrouble, onWaiting });
    const fresh = answer.prediction_status === UNKNOWN ? null : await fetchPanel(addresses.page, { signal, onTrouble });
    if (fresh) this.showResult(fresh);
    else this.showEnd(ended);
  }

  offerCancelling(cancel) {
    const button = this.find("[data-cancel]");
    if (!button || !this.isVideo) return;
    button.hidden = false;
    button.addEventListener("click", cancel);
  }

  /** What there is to say where there is no result. */
  showEnd(words) {
    this.panel.dataset.kind = words === CANCELLED ? "cancelled" : "failed";
    this.find("[data-cancel]")?.remove();
    this.find(".sending").hidden = true;
    this.showTrouble("");
    this.find(".result-facts").textContent = "";
    this.setTitle(words.title, words.text);
    this.announce(`${words.title}. ${words.text}`);
  }

  showResult(fresh) {
    this.take(fresh);
    this.addMotion();
    this.announce(this.find(".result-body").dataset.readAloud);
  }

  /** The state of another panel in the place of this one's. */
  take(other) {
    const hadFocus = this.panel.contains(document.activeElement);
    for (const name of STATE) {
      if (name in other.dataset) this.panel.dataset[name] = other.dataset[name];
      else delete this.panel.dataset[name];
    }
    for (const part of PARTS) {
      const copy = document.importNode(other.querySelector(part), true);
      for (const plain of copy.querySelectorAll("noscript")) plain.remove();
      if (this.ownCopy) for (const picture of copy.querySelectorAll(".original-picture, .picture")) picture.src = this.ownCopy;
      this.find(part).replaceWith(copy);
    }
    if (hadFocus) this.find(".result-title").focus({ preventScroll: true });
  }

  addMotion() {
    for (const picture of this.panel.querySelectorAll(".original-picture, .picture")) this.watchPicture(picture);
    if (this.ownCopy) this.showOwnCopy();
    if (this.find(".box")) new FoundBoxes(this.panel);
    this.addLayers();
    const videos = [...this.panel.querySelectorAll(".player")];
    if (videos.length) this.addPlayers(new Players(videos));
    offerCopies(this.panel);
  }

  addLayers() {
    const [canvas, heat, opacity] = [".mask", ".heat", ".opacity"].map((selector) => this.find(selector));
    if (!opacity) return;
    const layer = canvas ?? heat;
    const slider = opacity.querySelector("input");
    const set = () => { layer.style.opacity = String(slider.value / 100); };
    slider.addEventListener("input", set);
    set();
    if (canvas) this.addMask(canvas, opacity);
    else {
      offerExplanation(this.find(".explaining"), heat, () => {
        opacity.hidden = false;
        slider.focus();
      });
    }
  }

  addMask(canvas, opacity) {
    const mask = new MaskOverlay(canvas, [...this.panel.querySelectorAll(".legend input")]);
    opacity.hidden = this.find(".drawn-figure .picture-frame").hidden;
    if (opacity.hidden) return;
    mask.load().catch(() => {
      canvas.hidden = true;
      opacity.hidden = true;
      this.showNote("The mask cannot be loaded.");
    });
  }

  addPlayers(players) {
    for (const button of this.panel.querySelectorAll(".sightings button")) {
      button.addEventListener("click", () => players.goTo(Number(button.dataset.second)));
    }
  }

  showOwnCopy() {
    const picture = this.find(".picture");
    if (!picture) return;
    this.find(".drawn-figure .picture-frame").hidden = false;
    picture.hidden = false;
    picture.src = this.ownCopy;
    const isOver = !["empty", "sending", "waiting"].includes(this.panel.dataset.kind);
    this.showNote(isOver && this.panel.dataset.imageKept === "no" ? "The picture was not kept on the server: you see your own copy." : "");
  }

  watchPicture(picture) {
    picture.addEventListener("load", () => fitFrame(picture));
    picture.addEventListener("error", () => this.pictureFailed(picture));
    if (picture.complete && picture.naturalWidth) fitFrame(picture);
    else if (picture.complete && picture.getAttribute("src")) this.pictureFailed(picture);
  }

  /** The server can draw what a browser cannot show. */
  pictureFailed(picture) {
    const { annotatedUrl } = picture.dataset;
    if (annotatedUrl) {
      delete picture.dataset.annotatedUrl;
      for (const layer of this.panel.querySelectorAll(".boxes, .mask, .opacity")) layer.remove();
      picture.src = annotatedUrl;
      return;
    }
    picture.parentElement.hidden = true;
    const isKept = this.ownCopy || this.panel.dataset.imageKept === "yes";
    this.showNote(isKept ? "This browser cannot show this kind of picture. The answer is not affected." : "The picture was not kept.");
  }

  showNote(text) {
    const note = this.find(".drawn-figure .picture-note");
    note.textContent = text;
    note.hidden = !text;
  }

  setTitle(title, lead) {
    this.find(".result-title").textContent = title;
    this.find(".result-lead").textContent = lead;
  }

  announce(text) {
    this.find("[data-announcement]").textContent = text;
  }
}

/** The frame is exactly as large as the picture in it, and small pictures are enlarged, a little. */
function fitFrame(picture) {
  const { naturalWidth: width, naturalHeight: height } = picture;
  if (!width || !height) return; // a picture of formats without a size of their own
  const frame = picture.parentElement;
  frame.classList.add("is-fitted");
  frame.style.setProperty("--picture-ratio", String(width / height));
  frame.style.setProperty("--picture-width", `${width}px`);
}
