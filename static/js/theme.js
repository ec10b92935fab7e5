// Light or dark, before the first paint: what the visitor chose, else what their system asks for.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const KEY = "deep-predictor-theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return window.localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off; the system decides
    }
  }

  function remember(theme) {
    try {
      // A choice that equals the system's is forgotten, so that the page follows the system again.
      if (theme === systemTheme()) window.localStorage.removeItem(KEY);
      else window.localStorage.setItem(KEY, theme);
    } catch {
      // nothing to remember it in: it lasts for this page
    }
  }

  function systemTheme() {
    return system.matches ? "dark" : "light";
  }

  function apply(theme) {
    document.documentElement.dataset.bsTheme = theme;
    const button = document.querySelector("[data-theme-toggle]");
    if (button) {
      button.setAttribute("aria-label", theme === "dark" ? "Switch to light colours" : "Switch to dark colours");
    }
  }

  function startingTheme() {
    const theme = chosen();
    return theme === "light" || theme === "dark" ? theme : systemTheme();
  }

  apply(startingTheme());
  system.addEventListener("change", () => apply(startingTheme()));
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    button.hidden = false;
    apply(document.documentElement.dataset.bsTheme);
    button.addEventListener("click", () => {
      const theme = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
      remember(theme);
      apply(theme);
    });
  });
})();
