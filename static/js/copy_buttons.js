// Buttons that copy the address of the link before them. Browsers allow it on secure pages only.

export function offerCopies(panel) {
  if (!navigator.clipboard) return;
  for (const button of panel.querySelectorAll(".copy-button")) {
    const link = button.parentElement.querySelector("a");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(link.href);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed here";
      }
    });
  }
}
