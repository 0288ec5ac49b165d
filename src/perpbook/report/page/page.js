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
      // On a narrow screen every entry of a legend takes a line of its own: the figure grows by them.
      const named = data.filter((one) => one.showlegend !== false).length;
      if (layout.showlegend && place.clientWidth < 520) layout.height += 19 * Math.max(0, named - 2);
      Plotly.react(place, data, layout, { displayModeBar: false, responsive: true });
    }
  }

  scheme.addEventListener("change", draw);
  draw();
})();
