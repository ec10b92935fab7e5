// A picture or a video, however it comes: chosen, dropped, pasted or taken with the camera. Checked for kind and size,
// previewed.
// Several at once are taken unchecked where the page can send them one after another: each is judged in its own line.

import { bytes, seconds } from "./format.js";

export class ImagePicker {
  /**
   * `limits` is {extensions: [..], maxBytes, videoExtensions: [..], maxVideoBytes, takesMany}. `onChange(files)` and `onRefused(words)`
   * hear what happens; `file` is the first of `files`.
   */
  constructor(form, limits, { onChange, onRefused }) {
    this.files = [];
    this.form = form;
    this.limits = limits;
    this.onChange = onChange;
    this.onRefused = onRefused;
    this.previewUrl = null;
    this.input = form.querySelector("#image");
    this.preview = form.querySelector("#preview-picture");
    this.videoPreview = form.querySelector("#preview-video");
    this.factsLine = form.querySelector("#picture-facts");
    this.emptyFacts = [...this.factsLine.childNodes];
    this.input.multiple = limits.takesMany;
    this.listenToInputs();
    this.listenToDrops();
    this.listenToPastes();
    // A browser that goes back in its history may have kept the chosen file.
    if (this.input.files.length) this.takeAll([...this.input.files]);
  }

  get file() {
    return this.files[0] ?? null;
  }

  listenToInputs() {
    const camera = this.form.querySelector("#camera");
    const takePhoto = this.form.querySelector("#take-photo");
    takePhoto.hidden = !window.matchMedia("(any-pointer: coarse)").matches;
    takePhoto.addEventListener("click", () => camera.click());
    this.form.querySelector("#choose-other").addEventListener("click", () => this.input.click());
    camera.addEventListener("change", () => {
      if (camera.files.length) this.take(camera.files[0]);
      camera.value = "";
    });
    this.input.addEventListener("change", () => {
      if (this.input.files.length) this.takeAll([...this.input.files]);
      else if (this.file) this.putIntoInput(); // the file dialogue was left without a choice
    });
    this.preview.addEventListener("load", () => this.showFacts([this.preview.naturalWidth, this.preview.naturalHeight]));
    this.preview.addEventListener("error", () => this.previewFailed(this.preview));
    this.videoPreview.addEventListener("loadedmetadata", () => {
      const { videoWidth, videoHeight, duration } = this.videoPreview;
      this.showFacts([videoWidth, videoHeight], Number.isFinite(duration) ? seconds(duration) : "");
    });
    this.videoPreview.addEventListener("error", () => this.previewFailed(this.videoPreview));
  }

  listenToDrops() {
    const zone = this.form.querySelector("#drop");
    let depth = 0; // children send enter and leave of their own
    const setOver = (change) => {
      depth = change === null ? 0 : Math.max(0, depth + change);
      zone.classList.toggle("is-over", depth > 0);
    };
    document.addEventListener("dragenter", (event) => hasFiles(event) && setOver(1));
    document.addEventListener("dragleave", (event) => hasFiles(event) && setOver(-1));
    // The whole page takes a drop: a picture that misses the zone must not replace the page.
    document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      setOver(null);
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (!this.form.closest("[hidden]") && !this.form.hidden && event.dataTransfer.files.length) this.takeAll([...event.dataTransfer.files]);
    });
  }

  listenToPastes() {
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((item) => /^(image|video)\//.test(item.type));
      if (!file || this.form.hidden) return;
      event.preventDefault();
      this.take(file);
    });
  }

  takeAll(given) {
    if (given.length === 1 || !this.limits.takesMany) this.take(given[0]);
    else this.keep(given.map(withExtension));
  }

  take(given) {
    const file = withExtension(given);
    const complaint = this.complaintAbout(file);
    if (complaint) {
      if (this.file) this.putIntoInput();
      else this.input.value = "";
      this.onRefused(complaint);
      return;
    }
    this.keep([file]);
  }

  keep(files) {
    this.files = files;
    this.putIntoInput();
    this.showPreview();
    this.onChange(this.files);
  }

  clear() {
    this.files = [];
    this.input.value = "";
    this.forgetPreview();
    for (const preview of [this.preview, this.videoPreview]) preview.removeAttribute("src");
    this.factsLine.replaceChildren(...this.emptyFacts);
    this.setChosen(false);
    this.onChange([]);
  }

  /** Whether a file is sent as a video, by its name as the server does. */
  isVideo(file) {
    return this.limits.videoExtensions.includes(extensionOf(file.name));
  }

  complaintAbout(file) {
    const { extensions, videoExtensions } = this.limits;
    const [noun, maxBytes] = this.isVideo(file) ? ["video", this.limits.maxVideoBytes] : ["image", this.limits.maxBytes];
    if (noun === "image" && !extensions.includes(extensionOf(file.name))) {
      return `This kind of file is not supported. Supported are: ${[...extensions, ...videoExtensions].join(", ")}.`;
    }
    if (file.size > maxBytes) return `Your ${noun} is too large: ${bytes(file.size)}, at most ${bytes(maxBytes)} can be sent.`;
    if (file.size === 0) return "This file is empty.";
    return null;
  }

  /** The form's own field holds the files too, so that its `required` and a plain submit stay right. */
  putIntoInput() {
    const transfer = new DataTransfer();
    for (const file of this.files) transfer.items.add(file);
    this.input.files = transfer.files;
  }

  showPreview() {
    this.forgetPreview();
    this.previewUrl = URL.createObjectURL(this.file);
    this.form.querySelector("#preview-note").hidden = true;
    const shown = this.isVideo(this.file) ? this.videoPreview : this.preview;
    for (const one of [this.preview, this.videoPreview]) {
      one.hidden = one !== shown;
      if (one !== shown) one.removeAttribute("src");
    }
    const which = this.files.length > 1 ? `The first of ${this.files.length} pictures you chose` : "The picture you chose";
    this.preview.alt = `${which}: ${this.file.name}`;
    this.videoPreview.setAttribute("aria-label", `The video you chose: ${this.file.name}`);
    shown.src = this.previewUrl;
    const size = bytes(this.files.reduce((sum, { size: one }) => sum + one, 0));
    this.factsLine.textContent = this.files.length > 1 ? `${this.files.length} pictures, ${size}` : `${this.file.name}, ${size}`;
    this.setChosen(true);
  }

  showFacts([width, height], length = "") {
    if (this.files.length !== 1) return;
    const facts = [this.file.name, `${width} × ${height}`, length, bytes(this.file.size)];
    this.factsLine.textContent = facts.filter(Boolean).join(", ");
  }

  previewFailed(preview) {
    if (!this.file || preview.hidden) return;
    preview.hidden = true;
    this.form.querySelector("#preview-note").hidden = false;
  }

  setChosen(isChosen) {
    this.form.querySelector("#preview").hidden = !isChosen;
    this.form.querySelector("#choose-other").hidden = !isChosen;
    this.form.querySelector("#drop").classList.toggle("has-picture", isChosen);
  }

  forgetPreview() {
    if (this.previewUrl) URL.revokeObjectURL(this.previewUrl);
    this.previewUrl = null;
  }
}

const EXTENSION_OF_TYPE = {
  "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/bmp": "bmp", "image/webp": "webp", "image/heic": "heic", "image/heif": "heic",
  "video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov", "video/x-msvideo": "avi",
};

/** Files from the clipboard or a camera may come without a name: the server looks at its ending. */
function withExtension(file) {
  if (extensionOf(file.name) || !(file.type in EXTENSION_OF_TYPE)) return file;
  return new File([file], `${file.name || "upload"}.${EXTENSION_OF_TYPE[file.type]}`, { type: file.type });
}

function extensionOf(name) {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1).toLowerCase();
}

function hasFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}
