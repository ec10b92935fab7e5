// Ids of predictions: whoever knows one may read its answer, so they come from the browser's secure random source.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
// The greatest multiple of 62 that fits a byte; greater bytes are thrown away, so that every letter is equally likely.
const FAIR_LIMIT = 256 - (256 % ALPHABET.length);

export function makePredictionId(length) {
  let id = "";
  while (id.length < length) {
    const bytes = crypto.getRandomValues(new Uint8Array(length * 2));
    for (const byte of bytes) {
      if (byte < FAIR_LIMIT && id.length < length) id += ALPHABET[byte % ALPHABET.length];
    }
  }
  return id;
}
