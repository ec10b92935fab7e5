// The colour of a class: bright enough for black text, and the same on light and dark pages.

const GOLDEN_ANGLE = 137.508; // degrees: neighbours in the list of classes are far apart, however many there are

let places = new Map();

/** The classes of the page's data set, in their order. */
export function giveColours(classNames) {
  places = new Map(classNames.map((name, place) => [name, place]));
}

/** A CSS colour. */
export function colourOf(className) {
  const place = places.get(className) ?? placeOf(className);
  return `oklch(${place % 2 ? 72 : 84}% 0.17 ${((place * GOLDEN_ANGLE) % 360).toFixed(1)})`;
}

/** Of a class that is not in the list: by its name. */
function placeOf(className) {
  return [...className].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 65_521, 7);
}
