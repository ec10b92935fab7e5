// Sends the form. XMLHttpRequest and not fetch(): only it tells how much of the picture has left.

/**
 * Resolves with {status, body, retryAfter}: the HTTP status, the parsed JSON body (null when there is none), and the
 * seconds that the server asks to wait. Status 0 means that no answer came, or that `signal` ended the request.
 */
export function sendForm(url, formData, { signal, onProgress }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    });
    request.addEventListener("loadend", () => {
      resolve({
        status: request.status,
        body: parse(request.responseText),
        retryAfter: Number(request.status ? request.getResponseHeader("Retry-After") : 0) || 0,
      });
    });
    request.send(formData);
  });
}

/** What the server said against a picture. */
export function refusalWords({ status, body, retryAfter }) {
  const words = body?.detail || body?.title || `The server refused the picture (${status}).`;
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return status === 503 && retryAfter ? `${sentence.replace(/[.\s]*$/, "")}. Try again in ${retryAfter} s.` : sentence;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
