(() => {
  "use strict";
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");

  // Only keys that end in "color" are looked up, so that a name which begins with two dashes stays a name.
  function painted(value, isColour, style) {
    if (Array.isArray(value)) return value.map((one) => painted(one, isColour, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, painted(one, key.toLowerCase().endsWith("color"), style)]),
      );
    }
    return isColour && typeof value === "string" && value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    for (const place of document.querySelectorAll("[data-figure]")) {
      const { data, layout } = painted(figures[place.dataset.figure], false, style);
      Plotly.react(place, data, layout, { displayModeBar: false, responsive: true });
    }
  }

  scheme.addEventListener("change", draw);
  draw();
})();
