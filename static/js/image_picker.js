// One picture, however it comes: chosen, dropped, pasted or taken with the camera. Checked for kind and size, previewed.

import { bytes } from "./format.js";

export class ImagePicker {
  /** `limits` is {extensions: [..], maxBytes}. `onChange(file | null)` and `onRefused(words)` hear what happens. */
  constructor(form, limits, { onChange, onRefused }) {
    this.form = form;
    this.limits = limits;
    this.onChange = onChange;
    this.onRefused = onRefused;
    this.file = null;
    this.previewUrl = null;
    this.input = form.querySelector("#image");
    this.preview = form.querySelector("#preview-picture");
    this.factsLine = form.querySelector("#picture-facts");
    this.emptyFacts = this.factsLine.textContent;
    this.listenToInputs();
    this.listenToDrops();
    this.listenToPastes();
    // A browser that goes back in its history may have kept the chosen file.
    if (this.input.files.length) this.take(this.input.files[0]);
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
      if (this.input.files.length) this.take(this.input.files[0]);
      else if (this.file) this.putIntoInput(this.file); // the file dialogue was left without a choice
    });
    this.preview.addEventListener("load", () => this.showFacts());
    this.preview.addEventListener("error", () => this.previewFailed());
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
      if (!this.form.closest("[hidden]") && !this.form.hidden && event.dataTransfer.files.length) this.take(event.dataTransfer.files[0]);
    });
  }

  listenToPastes() {
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
      if (!file || this.form.hidden) return;
      event.preventDefault();
      this.take(file);
    });
  }

  take(given) {
    const file = withExtension(given);
    const complaint = this.complaintAbout(file);
    if (complaint) {
      if (this.file) this.putIntoInput(this.file);
      else this.input.value = "";
      this.onRefused(complaint);
      return;
    }
    this.file = file;
    this.putIntoInput(file);
    this.showPreview(file);
    this.onChange(file);
  }

  clear() {
    this.file = null;
    this.input.value = "";
    this.forgetPreview();
    this.preview.removeAttribute("src");
    this.factsLine.textContent = this.emptyFacts;
    this.setChosen(false);
    this.onChange(null);
  }

  complaintAbout(file) {
    const { extensions, maxBytes } = this.limits;
    const extension = extensionOf(file.name);
    if (!extensions.includes(extension)) {
      return `This kind of file is not supported. Supported are: ${extensions.join(", ")}.`;
    }
    if (file.size > maxBytes) return `Your image is too large: ${bytes(file.size)}, at most ${bytes(maxBytes)} can be sent.`;
    if (file.size === 0) return "This file is empty.";
    return null;
  }

  /** The form's own field holds the file too, so that its `required` and a plain submit stay right. */
  putIntoInput(file) {
    const transfer = new DataTransfer();
    transfer.items.add(file);
    this.input.files = transfer.files;
  }

  showPreview(file) {
    this.forgetPreview();
    this.previewUrl = URL.createObjectURL(file);
    this.form.querySelector("#preview-note").hidden = true;
    this.preview.hidden = false;
    this.preview.alt = `The picture you chose: ${file.name}`;
    this.preview.src = this.previewUrl;
    this.factsLine.textContent = `${file.name}, ${bytes(file.size)}`;
    this.setChosen(true);
  }

  showFacts() {
    if (!this.file) return;
    const { naturalWidth: width, naturalHeight: height } = this.preview;
    this.factsLine.textContent = `${this.file.name}, ${width} × ${height}, ${bytes(this.file.size)}`;
  }

  previewFailed() {
    if (!this.file) return;
    this.preview.hidden = true;
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
};

/** Pictures from the clipboard or a camera may come without a name: the server looks at its ending. */
function withExtension(file) {
  if (extensionOf(file.name) || !(file.type in EXTENSION_OF_TYPE)) return file;
  return new File([file], `${file.name || "picture"}.${EXTENSION_OF_TYPE[file.type]}`, { type: file.type });
}

function extensionOf(name) {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1).toLowerCase();
}

function hasFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}
