// What mkdocs-material leaves out: what scrolls can be reached with the keyboard, and what looks alike has a name.
(() => {
  function mend() {
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .highlight code, .md-typeset pre")) {
      box.setAttribute("tabindex", "0");
    }
    document.querySelectorAll(".md-code__nav").forEach((nav, index) => {
      nav.setAttribute("aria-label", `Code block ${index + 1}`);
    });
  }
  document.addEventListener("DOMContentLoaded", mend);
  window.addEventListener("load", mend);
})();
