// Elements of SVG: drawings, and boxes over pictures.

const SVG = "http://www.w3.org/2000/svg";

export function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
