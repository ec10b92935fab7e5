// The mask of a segmentation over its picture. The mask is an indexed PNG in the colours of the legend, so that a
// pixel's colour says its class.

const LONGEST_SIDE = 1600; // of the canvas: no screen shows more, and pictures may have 50 megapixels
const NO_CLASS = 255; // a class that the legend does not name

export class MaskOverlay {
  /** `switches`: the legend's checkboxes, which name class and colour. */
  constructor(canvas, switches) {
    this.canvas = canvas;
    this.switches = switches;
    for (const one of switches) one.addEventListener("change", () => this.draw());
  }

  /** Rejects when the mask cannot be had. */
  async load() {
    const image = new Image();
    image.src = this.canvas.dataset.maskUrl;
    await image.decode();
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.naturalWidth, image.naturalHeight));
    this.canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    this.canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingEnabled = false; // colours between those of two classes would be of neither
    context.drawImage(image, 0, 0, this.canvas.width, this.canvas.height);
    this.pixels = context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    this.rows = rowOfEachPixel(this.pixels, this.switches.map((one) => parseInt(one.dataset.colour.slice(1), 16)));
    this.draw();
  }

  draw() {
    if (!this.rows) return;
    const { data } = this.pixels;
    const alphas = new Uint8Array(256);
    this.switches.forEach((one, row) => { alphas[row] = one.checked ? 255 : 0; });
    for (let pixel = 0; pixel < this.rows.length; pixel += 1) data[pixel * 4 + 3] = alphas[this.rows[pixel]];
    this.canvas.getContext("2d").putImageData(this.pixels, 0, 0);
  }
}

/** Which row of the legend each pixel belongs to. */
function rowOfEachPixel({ data }, colours) {
  const rows = new Uint8Array(data.length / 4);
  const rowOf = new Map(colours.map((colour, row) => [colour, row]));
  let last = -1;
  let row = NO_CLASS;
  for (let pixel = 0, at = 0; pixel < rows.length; pixel += 1, at += 4) {
    const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    if (colour !== last) {
      last = colour;
      row = rowOf.get(colour) ?? NO_CLASS;
    }
    rows[pixel] = row;
  }
  return rows;
}
