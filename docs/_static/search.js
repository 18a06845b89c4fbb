// Sphinx's search takes the dots of `EngagementClient.visit` for CSS classes, and finds no text to show below such a result.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search !== "undefined") {
    const read = Search.htmlToText;
    Search.htmlToText = (page, anchor) => read(page, anchor && `#${CSS.escape(anchor.slice(1))}`);
  }
});
